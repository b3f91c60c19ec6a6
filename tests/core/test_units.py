"""Amounts as people read them."""

import pytest

from gavelq.core.units import told_apart


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (24576, 24564, ("24576M", "24564M")),
        (24576, 8192, ("24.0G", "8.0G")),
        (24576, 24576, ("24.0G", "24.0G")),
        (512, 500, ("512M", "500M")),
    ],
)
def test_two_amounts_that_differ_never_look_the_same(one: int, other: int, told: tuple[str, str]) -> None:
    assert told_apart(one, other) == told

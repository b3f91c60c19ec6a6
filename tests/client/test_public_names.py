"""What `import gavelq` hands out."""

from pathlib import Path

import pytest

import gavelq
from gavelq.core import errors


def test_every_public_name_is_there() -> None:
    for name in gavelq.__all__:
        assert getattr(gavelq, name) is not None
    with pytest.raises(AttributeError, match="'gavelq' has no attribute 'Clinet'"):
        gavelq.Clinet  # noqa: B018  # that is the point


def test_a_program_catches_what_a_client_raises_by_the_package_s_names(tmp_path: Path) -> None:
    assert gavelq.NotFound is errors.NotFound
    with pytest.raises(gavelq.DaemonUnreachable) as unreachable:
        gavelq.Client(socket=str(tmp_path / "nobody")).user()
    assert isinstance(unreachable.value, gavelq.GavelqError)

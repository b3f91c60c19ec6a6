"""200 clients that submit for a minute, with a kill -9 in the middle; again and again. Started by scripts/soak."""

import os

import pytest

from tests.api.many_clients import check, storm
from tests.support.daemon import box


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_nothing_that_was_acknowledged_is_lost() -> None:
    rounds = int(os.environ.get("GAVELQ_SOAK_STORMS") or 3)
    for number in range(rounds):
        with box(n_gpus=1, env={"GAVELQ_DEBUG": "0"}) as at:
            clients = storm(at, n_clients=200, seconds=60, kill_at=10 + 20 * number / max(1, rounds - 1))
            assert check(at, clients) > 2000

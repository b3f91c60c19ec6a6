"""Ten thousand requests made from the OpenAPI document, with another seed each time. Started by scripts/soak."""

import os
import random
import sys

import pytest

from tests.api.by_schema import send_all, target


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_no_request_brings_the_daemon_down_or_gets_an_undocumented_answer() -> None:
    n_cases = int(os.environ.get("GAVELQ_SOAK_REQUESTS") or 10_000)
    number = int(os.environ.get("GAVELQ_SOAK_SEED") or random.SystemRandom().randrange(1 << 31))
    sys.stdout.write(f"\n{n_cases} requests, seed {number}\n")
    with target() as at:
        told = send_all(at, n_cases=n_cases, number=number)
        assert at.get("/api/daemon")["running"]
    sys.stdout.write(f"{told.n_cases} sent: {dict(told.statuses)}\n")
    assert told.failures == {}
    assert not [status for status in told.statuses if status >= 500]

"""The tier `soak`: what test_kill_daemon.py does 25 times, as often as you like. Started by scripts/soak."""

import os
import random
import statistics
import sys

import pytest

from tests.daemon.soak import Storm
from tests.support.daemon import box


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_nothing_is_lost_doubled_or_leaked_over_very_many_kills() -> None:
    seed = int(os.environ.get("GAVELQ_SOAK_SEED") or random.randrange(1 << 32))
    n_rounds = int(os.environ.get("GAVELQ_SOAK_ROUNDS") or 1000)
    runner_every = int(os.environ.get("GAVELQ_SOAK_RUNNER_EVERY") or 10)
    sys.stdout.write(f"\nseed {seed}, {n_rounds} kills of the daemon, the runner's in every {runner_every}th round\n")
    with box(n_gpus=8) as instance:
        instance.kill()
        storm = Storm(instance, seed=seed, n_rounds=n_rounds, runner_every=runner_every)
        storm.run()
        problems = storm.problems()
    median_s = statistics.median(storm.start_s)
    sys.stdout.write(f"{storm.n_kills} kills, {len(storm.acknowledged)} tasks, {len(problems)} broken promises; ")
    sys.stdout.write(f"the daemon answered after {median_s:.2f} s (median), {max(storm.start_s):.2f} s (most)\n")
    assert not problems, f"seed {seed}:\n" + "\n".join(problems[:50])

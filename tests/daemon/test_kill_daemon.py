"""kill -9 of the daemon (SPEC section 10, promises 1 to 3)."""

import random

from tests.daemon.soak import Storm
from tests.support.daemon import Box, box

N_KILLS = 8


def test_nothing_is_lost_doubled_or_leaked_over_many_kills_of_the_daemon() -> None:
    seed = random.randrange(1 << 32)
    with box(n_gpus=8) as instance:
        instance.kill()
        storm = Storm(instance, seed=seed, n_rounds=N_KILLS)
        storm.run()
        problems = storm.problems()
    assert storm.n_kills == N_KILLS
    assert not problems, f"seed {seed}:\n" + "\n".join(problems[:20])


def test_an_id_is_not_given_again_after_its_task_was_removed_and_the_daemon_killed(fresh: Box) -> None:
    first = fresh.submit("true", hold=True)
    fresh.post(f"/api/tasks/{first}/remove")
    fresh.kill()
    fresh.start()
    assert fresh.submit("true") > first


def test_what_people_decided_survives_too(fresh: Box) -> None:
    fresh.post("/api/queues", {"name": "mine", "max_running": 1, "priority": 3})
    fresh.post("/api/gpus/allocate", {"queue": "mine", "gpus": ["2"]})
    fresh.post("/api/gpus/1/ignore")
    held = fresh.submit("true", queue="mine", hold=True, priority=7)
    kept = ("/api/queues", f"/api/tasks/{held}")
    before = [fresh.get(path) for path in kept]
    fresh.kill()
    fresh.start()
    assert [fresh.get(path) for path in kept] == before
    assert [(gpu["state"], gpu["queue"]) for gpu in fresh.get("/api/gpus")] == [
        ("free", None),
        ("ignored", None),
        ("free", "mine"),
        ("free", None),
    ]

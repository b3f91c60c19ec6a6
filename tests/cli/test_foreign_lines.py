"""`gpu list`, `gpu info` and `status` say who else uses a GPU, since when, and how many tasks wait for that."""

from typing import Any

from gavelq.cli.output.gpus import foreign_lines
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import FakeDaemon, daemon, gpu
from tests.cli.terminal import on_terminal

THEN = "2026-01-31T12:00:00.000000Z"
NOON = 1769860800.0
"""The same moment."""


def process(pid: int, **fields: Any) -> dict[str, Any]:
    """A foreign process."""
    return {
        "pid": pid, "user": "mallory", "memory_mib": 10240, "task_id": None, "command": "/usr/bin/python3 train.py",
        "started_at": None, "since": THEN, "is_ignored": False, **fields,
    }  # fmt: skip


def test_each_foreign_process_has_its_line() -> None:
    card = gpu(0, state="foreign", processes=[process(4711), process(5, user=None, command="", since=None)], blocks=3)
    assert foreign_lines(card, NOON + 7980) == [
        "  foreign: mallory pid 4711 python3, 10.0G, for 2h13m: 3 tasks wait",
        "  foreign: ? pid 5, 10.0G: 3 tasks wait",
    ]
    many = gpu(0, state="foreign", processes=[process(n) for n in range(9)], blocks=1)
    lines = foreign_lines(many, NOON)
    assert (len(lines), lines[-1]) == (6, "  foreign: 4 more processes")
    assert lines[0].endswith(": 1 task waits")


def test_what_has_no_process_has_a_line_too() -> None:
    unseen = gpu(0, state="foreign", unattributed_mib=4096, unattributed_since=THEN, blocks=0)
    assert foreign_lines(unseen, NOON + 300) == ["  foreign: an unseen process (a container?), 4.0G, for 5m00s"]
    claimed = gpu(0, state="foreign", claimed_by="gavelq of alice, pid 9", claimed_since=THEN, blocks=2)
    assert foreign_lines(claimed, NOON + 60) == [
        "  foreign: claimed by gavelq of alice, pid 9, for 1m00s: 2 tasks wait"
    ]


def test_a_card_that_settles_or_is_too_busy_says_so_while_tasks_wait_for_it() -> None:
    settling = gpu(0, calm_at=THEN, blocks=1)
    assert foreign_lines(settling, NOON - 1.5) == ["  foreign: left a moment ago, calm in 2s: 1 task waits"]
    assert foreign_lines({**settling, "blocks": 0}, NOON - 1.5) == []
    assert foreign_lines(gpu(0, blocks=4), NOON) == ["  too busy: 4 tasks wait"]


def test_our_tasks_and_ignored_processes_are_not_foreign() -> None:
    card = gpu(0, state="busy", tasks=[7], processes=[process(1, task_id=7), process(2, is_ignored=True)])
    assert foreign_lines(card, NOON) == []
    strayed = gpu(0, state="foreign", processes=[process(1, task_id=7)])
    assert foreign_lines(strayed, NOON) == [
        "  foreign: mallory pid 1 python3 (of task 7, which is not placed here), 10.0G, for 0s"
    ]


def test_the_lines_stand_under_their_gpu(shell: Shell, fake: FakeDaemon) -> None:
    evil = process(4711, user="mallory\x1b[2J", command="/x/" + "y" * 200)
    cards = [gpu(0, state="foreign", processes=[process(1), evil], blocks=2), gpu(1), gpu(2, unattributed_mib=2048)]
    fake.gives("/api/gpus", cards)
    lines = on_terminal(shell, "gpu", "list", NO_COLOR="1").lines
    starts = [line[:10] for line in lines if line]
    assert [start.split()[0] for start in starts] == ["GPU", "0", "foreign:", "foreign:", "1", "2", "foreign:"]
    assert lines[2].startswith("  foreign: mallory pid 1 python3, 10.0G, for ")
    assert lines[2].endswith(": 2 tasks wait")
    assert max(len(line) for line in lines) <= 80
    assert "\x1b" not in "".join(lines)
    fake.gives("/api/status", {"daemon": daemon(), "gpus": cards, "queues": [], "counts": {}})
    assert "  foreign: mallory pid 1 python3" in on_terminal(shell, "status", NO_COLOR="1").text


def test_a_pipe_gets_the_count_in_a_column(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus", [gpu(0, state="foreign", processes=[process(1)], blocks=2), gpu(1)])
    rows = [line.split("\t") for line in shell.run("gpu", "list").stdout.splitlines()]
    assert (rows[0][-1], rows[1][-1], rows[2][-1]) == ("BLOCKS", "2", "-")
    assert rows[1][8] == "mallory pid 1 10.0G"


def test_the_details_of_a_gpu_name_every_process(shell: Shell, fake: FakeDaemon) -> None:
    xorg = process(3, user="root", command="/usr/lib/xorg/Xorg :0", is_ignored=True)
    card = gpu(0, state="foreign", processes=[process(1), xorg], blocks=2, memory_free_mib=0)
    fake.gives("/api/gpus/0", card)
    done = shell.run("gpu", "info", "0")
    assert done.returncode == 0, done.stderr
    shown = done.stdout
    assert "3 root 10.0G (not gavelq's, ignored, here since 2026-" in shown
    assert "foreign use\tmallory pid 1 python3, 10.0G, for " in shown
    assert ": 2 tasks wait" in shown

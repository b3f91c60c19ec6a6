"""Every verb: what it asks of the daemon, what it prints, and with which code it ends."""

import json
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, daemon, gpu, problem, queue, task
from tests.cli.terminal import on_terminal

RUNNING = task(7, state="running", pending_reason=None)


@pytest.mark.parametrize(
    "words", [("allocate", "", "b"), ("allocate", " , ", "b"), ("ignore", ""), ("release", ",", "-y"), ("drain", " ")]
)
def test_an_empty_word_is_no_gpu_and_asks_for_nothing(shell: Shell, fake: FakeDaemon, words: tuple[str, ...]) -> None:
    done = shell.run("gpu", *words)
    assert done.returncode == 2
    assert "names no GPU" in done.stderr
    assert fake.requests == []


@pytest.mark.parametrize(
    ("words", "method", "path", "body", "answer", "said"),
    [
        (["task", "run", "7"], "POST", "/api/tasks/7/run", {"queue": None}, task(7), "task 7: pending"),
        (["task", "run", "7", "--queue", "b"], "POST", "/api/tasks/7/run", {"queue": "b"}, task(7), "task 7"),
        (["task", "hold", "7"], "POST", "/api/tasks/7/hold", {}, task(7, state="held"), "task 7: held"),
        (["task", "kill", "7"], "POST", "/api/tasks/7/kill", {}, task(7, state="stopping"), "task 7: stopping"),
        (["cancel", "7"], "POST", "/api/tasks/7/kill", {}, task(7, state="cancelled"), "task 7: cancelled"),
        (["task", "kill", "7", "--signal", "INT"], "POST", "/api/tasks/7/kill", {"signal": "INT"}, RUNNING, "running"),
        (["task", "rerun", "7"], "POST", "/api/tasks/7/rerun", {}, task(8), "task 8 submitted"),
        (["task", "remove", "7"], "POST", "/api/tasks/7/remove", {}, {"removed": 7}, "task 7: removed"),
        (["queue", "move", "7", "b"], "POST", "/api/tasks/7/move", {"queue": "b"}, task(7, queue="b"), "in queue b"),
        (["queue", "priority", "7", "9"], "POST", "/api/tasks/7/priority", {"priority": 9}, task(7), "task 7"),
        (["queue", "create", "b"], "POST", "/api/queues", {"name": "b"}, queue("b"), "queue b: created"),
        (
            ["queue", "create", "b", "--priority", "5", "--max-running", "1", "--hold", "--no-pool", "max_util=none"],
            "POST",
            "/api/queues",
            {"name": "b", "priority": 5, "max_running": 1, "hold": True, "pool": False, "max_util": None},
            queue("b", hold=True),
            "queue b: created (hold)",
        ),
        (
            ["queue", "set", "b", "max_running=2", "paused=yes", "mem_type=absolute", "max_util=-1"],
            "PATCH",
            "/api/queues/b",
            {"max_running": 2, "paused": True, "mem_type": "absolute", "max_util": -1},
            queue("b", max_running=2),
            "max_running=2",
        ),
        (
            ["queue", "set-limit", "b", "--max-util", "50", "--mem-type", "percentage", "--mem-value", "30"],
            "PATCH",
            "/api/queues/b",
            {"max_util": 50, "mem_type": "percentage", "mem_value": 30},
            queue("b", mem_type="percentage", mem_value=30),
            "free_memory>=30%",
        ),
        (
            ["queue", "set", "b", "pool=false", "priority=3"],
            "PATCH",
            "/api/queues/b",
            {"pool": False, "priority": 3},
            queue("b", pool=False, priority=3),
            "queue b: changed (open, priority=3, pool=false)",
        ),
        (["queue", "pause", "b"], "PATCH", "/api/queues/b", {"paused": True}, queue("b", paused=True), "paused"),
        (["queue", "resume", "b"], "PATCH", "/api/queues/b", {"paused": False}, queue("b"), "open"),
        (["queue", "delete", "b"], "DELETE", "/api/queues/b", None, {"deleted": "b"}, "queue b: deleted"),
        (
            ["queue", "merge", "--from", "a", "--to", "b"],
            "POST",
            "/api/queues/a/merge",
            {"into": "b"},
            queue("b"),
            "queue b",
        ),
        (["gpu", "ignore", "0"], "POST", "/api/gpus/0/ignore", {}, gpu(0, state="ignored"), "GPU 0: ignored"),
        (["gpu", "unignore", "0:1"], "POST", "/api/gpus/0%3A1/unignore", {}, gpu("0:1"), "GPU 0:1: free"),
        (
            ["gpu", "drain", "0", "--now", "--requeue"],
            "POST",
            "/api/gpus/0/drain",
            {"now": True, "requeue": True},
            gpu(0, state="draining"),
            "draining",
        ),
        (["gpu", "release", "0"], "POST", "/api/gpus/0/release", {"requeue": False}, gpu(0), "into the pool"),
        (["gpu", "release", "0", "-y"], "POST", "/api/gpus/0/release", {"requeue": False}, gpu(0), "into the pool"),
        (
            ["gpu", "allocate", "0,1", "b"],
            "POST",
            "/api/gpus/allocate",
            {"queue": "b", "gpus": ["0", "1"]},
            [gpu(0, queue="b"), gpu(1, queue="b")],
            "GPU 1: belongs to queue b",
        ),
        (["gpu", "allocate", "b"], "POST", "/api/gpus/allocate", {"queue": "b", "count": 1}, [gpu(3)], "GPU 3"),
        (
            ["gpu", "allocate", "--count", "2", "b"],
            "POST",
            "/api/gpus/allocate",
            {"queue": "b", "count": 2},
            [gpu(3), gpu(4)],
            "GPU 4",
        ),
    ],
)
def test_each_verb_asks_for_its_route_and_tells_the_effect(
    shell: Shell, fake: FakeDaemon, words: list[str], method: str, path: str, body: Any, answer: Any, said: str
) -> None:
    fake.on(method, path, Answer(document=answer))
    fake.gives("/api/gpus/0", gpu(0))
    done = shell.run(*words)
    assert done.returncode == 0, done.stderr
    request = fake.last()
    assert (request.method, request.path, request.body) == (method, path, body)
    assert said in done.stdout
    assert json.loads(shell.run(*words, "-o", "json").stdout) == answer


@pytest.mark.parametrize(
    ("words", "path", "answer"),
    [
        (["task", "info", "7"], "/api/tasks/7", {**RUNNING, "attempts": [], "events": []}),
        (["task", "why", "7"], "/api/tasks/7/why", {"state": "pending", "summary": "s", "gates": []}),
        (["gpu", "list"], "/api/gpus", [gpu(0)]),
        (["gpu", "info"], "/api/gpus", [gpu(0)]),
        (["gpu", "info", "0"], "/api/gpus/0", gpu(0)),
        (["queue", "list"], "/api/queues", [queue("a")]),
        (["queue", "status", "a"], "/api/queues/a", queue("a")),
        (["daemon", "status"], "/api/daemon", daemon()),
        (["task", "list"], "/api/tasks", [RUNNING]),
        (["task", "wait", "7"], "/api/tasks/7/wait", task(7, state="completed")),
    ],
)
def test_json_is_exactly_what_the_daemon_said(
    shell: Shell, fake: FakeDaemon, words: list[str], path: str, answer: Any
) -> None:
    fake.gives(path, answer)
    assert json.loads(shell.run("-o", "json", *words).stdout) == answer
    assert json.loads(shell.run(words[0], "-o", "json", *words[1:]).stdout) == answer


@pytest.mark.parametrize("words", [["cancel", "x"], ["task", "info"], ["task", "info", "-1"], ["cancel"], ["tusk"]])
def test_bad_words_are_a_usage_error(shell: Shell, fake: FakeDaemon, words: list[str]) -> None:
    done = shell.run(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("gavelq: ")
    assert "--help" in done.stderr
    assert json.loads(shell.run(*words, "-o", "json").stderr)["error"]["code"] == "usage"
    assert fake.requests == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("list --all", "`gavelq list` shows tasks in every state; `gavelq task list` those that have not ended"),
        ("list -a", "`gavelq list` shows tasks in every state; `gavelq task list` those that have not ended"),
        ("list --running", "gavelq task list --running"),
        ("list --nonsense", "gavelq list --help"),
        ("why 7", "gavelq task why"),
        ("-o table kill 7", "gavelq task kill"),
        ("tusk", "gavelq --help"),
        ("queue kill", "gavelq queue --help"),
    ],
)
def test_who_types_what_other_tools_know_is_told_what_to_type_here(shell: Shell, words: str, hint: str) -> None:
    done = shell.run(*words.split())
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"hint: {hint}"


@pytest.mark.parametrize(
    ("status", "code", "exit_code"),
    [
        (404, "task_not_found", 3),
        (403, "not_allowed", 4),
        (409, "wrong_state", 6),
        (422, "limit_reached", 7),
        (400, "invalid_field", 2),
        (503, "store_unavailable", 1),
        (429, "never_heard_of_it", 7),
    ],
)
def test_an_error_keeps_its_code_and_has_its_exit_code(
    shell: Shell, fake: FakeDaemon, status: int, code: str, exit_code: int
) -> None:
    fake.on("GET", "/api/tasks/9", problem(status, code, "the {message}", "do this", a=1))
    done = shell.run("task", "info", "9", "-o", "json")
    assert done.returncode == exit_code
    assert done.stdout == ""
    assert json.loads(done.stderr)["error"] == {
        "code": code, "message": "the {message}", "hint": "do this", "details": {"a": 1}
    }  # fmt: skip


def test_an_answer_that_is_no_document_is_still_an_error(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("GET", "/api/tasks/9", Answer(status=500, raw=b"Internal Server Error"))
    done = shell.run("task", "info", "9")
    assert done.returncode == 1
    assert "500: Internal Server Error" in done.stderr


def test_some_ids_fail_and_each_result_is_told(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks/7/kill", Answer(document=RUNNING))
    fake.on("POST", "/api/tasks/8/kill", problem(404, "task_not_found", "there is no task 8"))
    done = shell.run("cancel", "7", "8")
    assert done.returncode == 9
    assert done.stdout == "task 7: running\n"
    assert done.stderr == "gavelq: there is no task 8\n"
    done = shell.run("cancel", "7", "8", "-o", "json")
    assert json.loads(done.stdout) == [RUNNING]
    told = json.loads(done.stderr)["error"]
    assert told["code"] == "partly_done"
    assert [(one["id"], one["error"]["code"]) for one in told["details"]["results"]] == [(8, "task_not_found")]


def test_all_ids_fail_with_the_code_of_the_first(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/tasks/7/kill", problem(409, "wrong_state", "task 7 has ended"))
    fake.on("POST", "/api/tasks/8/kill", problem(404, "task_not_found", "there is no task 8"))
    assert shell.run("cancel", "7", "8").returncode == 6
    done = shell.run("cancel", "7", "8", "-o", "json")
    assert (done.returncode, done.stdout) == (6, "")
    told = json.loads(done.stderr)["error"]
    assert (told["code"], told["message"]) == ("wrong_state", "none of 2 done; the first: task 7 has ended")
    assert [(one["id"], one["error"]["code"]) for one in told["details"]["results"]] == [
        (7, "wrong_state"), (8, "task_not_found"),
    ]  # fmt: skip
    assert (told["details"]["n_done"], told["details"]["n_total"], told["details"]["n_failed"]) == (0, 2, 2)


def test_an_error_that_only_a_newer_daemon_knows_is_told_as_it_is(shell: Shell, fake: FakeDaemon) -> None:
    for number in (7, 8):
        fake.on("POST", f"/api/tasks/{number}/kill", problem(422, "moon_is_full", "not today"))
    done = shell.run("cancel", "7", "8", "-o", "json")
    assert (done.returncode, json.loads(done.stderr)["error"]["code"]) == (7, "moon_is_full")


def test_unignore_all_names_every_card_that_is_kept_out(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives("/api/gpus", [gpu(0), gpu(1, state="ignored"), gpu(2, state="draining")])
    for index in (1, 2):
        fake.on("POST", f"/api/gpus/GPU-{index}/unignore", Answer(document=gpu(index)))
    assert shell.run("gpu", "unignore", "--all").stdout == "GPU 1: free\nGPU 2: free\n"
    assert len(json.loads(shell.run("gpu", "unignore", "--all", "-o", "json").stdout)) == 2
    assert shell.run("gpu", "unignore").returncode == 2


@pytest.mark.parametrize(("typed", "code", "is_released"), [("y\n", 0, True), ("n\n", 1, False), ("\n", 1, False)])
def test_release_asks_a_person_first(shell: Shell, fake: FakeDaemon, typed: str, code: int, is_released: bool) -> None:
    fake.gives("/api/gpus/0", gpu(0, tasks=[12, 14]))
    fake.on("POST", "/api/gpus/0/release", Answer(document=gpu(0)))
    screen = on_terminal(shell, "gpu", "release", "0", typed=typed)
    assert screen.code == code
    assert "tasks 12, 14 will be ended" in screen.text
    assert (fake.last().method == "POST") == is_released


def test_release_with_y_does_not_ask(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/gpus/0/release", Answer(document=gpu(0)))
    screen = on_terminal(shell, "gpu", "release", "0", "-y")
    assert (screen.code, "[y/N]" in screen.text) == (0, False)


def test_info_tells_the_whole_story(shell: Shell, fake: FakeDaemon) -> None:
    result = {"exit_code": 3, "signal": None, "cpu_s": 12.34, "max_rss_mib": 2048.0, "cause": "exited", "detail": ""}
    attempts = [
        {"attempt": 1, "gpus": [0], "started_at": "2026-01-31T12:00:00.000000Z",
         "ended_at": "2026-01-31T12:00:05.000000Z", **result, "exit_code": 1},
        {"attempt": 2, "gpus": [1], "started_at": "2026-01-31T12:10:00.000000Z",
         "ended_at": "2026-01-31T13:12:03.000000Z", **result},
    ]  # fmt: skip
    ended = task(
        7, state="failed", end_reason="exit_nonzero", exit_code=3, pending_reason=None, gpus=[1], attempt=2,
        gpu_uuids=["GPU-b"], started_at="2026-01-31T12:10:00.000000Z", ended_at="2026-01-31T13:12:03.000000Z",
        command="first line\nsecond line", pid=99, memory_mib=8192,
    )  # fmt: skip
    events = [
        {
            "at": "2026-01-31T12:00:00.000000Z",
            "event": "submitted",
            "by": "ada",
            "details": {"queue": "running", "gpus": ["0"]},
        }
    ]
    fake.gives("/api/tasks/7", {**ended, "attempts": attempts, "events": events})
    shown = shell.run("task", "info", "7", env=shell.env(TZ="UTC")).stdout
    for line in [
        "state\tfailed (exit_nonzero)",
        "exit\t3",
        "gpus\t1 (GPU-b)",
        "memory\t8.0G per GPU",
        "started\t2026-01-31 12:10:00",
        "ran for\t1h02m",
        "resources\t12.3s of processor time, at most 2.0G of main memory",
        "directory\t/home/ada",
        "log\t/state/logs/7.log",
        "command\tfirst line\\nsecond line",
        "  1, GPU 0, started 2026-01-31 12:00:00, ran for 5s, exited, exit 1",
        "  2026-01-31 12:00:00  submitted by ada queue=running gpus=0",
    ]:
        assert line in shown.splitlines()


def test_info_of_a_waiting_task_tells_what_it_wants_and_what_would_start_it(shell: Shell, fake: FakeDaemon) -> None:
    asked = {"gpu_count": 2, "min_gpus": 2, "max_gpus": 4, "gpu_left": 1, "share": True, "preemptible": True}
    fake.gives("/api/tasks/7", {**task(7, position=3, expected_basis="free GPUs", **asked), "attempts": []})
    changes = [{"change": {"gpu_count": 1}, "text": "with 1 GPU(s) instead of 2"}]
    fake.gives("/api/tasks/7/why", {"state": "pending", "would_start": changes})
    shown = shell.run("task", "info", "7").stdout.splitlines()
    for line in [
        "gpus\t2-4 any",
        "elastic\t2 to 4 GPUs, leaves 1 free",
        "allows\tsharing its GPUs, being preempted",
        "position\t3",
        "expected start\tunknown: free GPUs",
        "would start now\twith 1 GPU(s) instead of 2",
    ]:
        assert line in shown
    fake.gives("/api/tasks", [task(8, gpu_count=1, max_gpus=2, gpu_ids=[0, 1, 3])])
    assert "\t1-2 of 0,1,3\t" in shell.run("task", "list").stdout


def test_why_lists_every_gate_and_card(shell: Shell, fake: FakeDaemon) -> None:
    fake.gives(
        "/api/tasks/7/why",
        {
            "task": task(7),
            "state": "pending",
            "summary": "task 7 waits (gpu_count)",
            "gates": [
                {"gate": "queue_paused", "passed": True, "text": "", "details": {}},
                {"gate": "gpu_count", "passed": False, "text": "1 of the 3 needed GPUs are left", "details": {}},
            ],
            "cards": [{"index": 1, "fits": False, "reason": "gpu_memory", "text": "2.0G are free"}],
            "position": 2,
            "expected_start_at": None,
        },
    )
    lines = shell.run("task", "why", "7").stdout.splitlines()
    assert lines[0] == "task 7 waits (gpu_count)"
    assert "queue_paused\tyes\t-" in lines
    assert "gpu_count\tno\t1 of the 3 needed GPUs are left" in lines
    assert "1\tno\t2.0G are free" in lines
    assert "position\t2" in lines


def test_backup_names_the_file_from_here(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/backup", Answer(document={"path": "/x", "bytes": 5 << 20}))
    assert shell.run("backup", "copy.db").stdout == "copied the database to /x (5M)\n"
    assert fake.last().body == {"path": str(shell.workdir / "copy.db")}

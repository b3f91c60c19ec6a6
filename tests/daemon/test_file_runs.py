"""Command files at a real daemon: lanes, order, failures, several at once, edits while they run, sudden deaths."""

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.core.errors import GavelqError, InvalidField, NotFound, UsageError, WrongState
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box, Failure, Json, box

QUICK = {"GAVELQ_SAMPLING_WINDOW_S": "0.1", "GAVELQ_RULES_BACKOFF_DURATION": "0", "GAVELQ_RULES_MAX_RETRIES": "0"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Box]:
    """Four GPUs, shared by tests that leave nothing running."""
    with box(env=QUICK) as instance:
        yield instance


@pytest.fixture
def runs(shared: Box, tmp_path: Path) -> Iterator["Runs"]:
    """The shared daemon, with a directory of the test's own."""
    found = Runs(shared, tmp_path)
    yield found
    found.stop_all()


@pytest.fixture(scope="module")
def narrow() -> Iterator[Box]:
    """A single GPU: whose turn it is shows in the order of starts."""
    with box(n_gpus=1, env=QUICK) as instance:
        yield instance


class Runs:
    """Command files in a daemon. Their tasks meet in a directory, so that no test depends on how fast things are."""

    def __init__(self, daemon: Box, here: Path) -> None:
        self.daemon = daemon
        self.here = here
        self.client = Client(socket=daemon.socket)

    def submit(self, content: str, mode: str = "single", **options: Any) -> list[Json]:
        """Run a text once; its tasks."""
        wanted = {"workdir": str(self.here), **options}
        return list(self.client.submit_file(mode, content, name="f.txt", **wanted))  # type: ignore[arg-type]  # plain words

    def keep(self, content: str, place: int = 0) -> None:
        """A configuration, with the directory of the test."""
        self.client.put_file("single", place, content, workdir=str(self.here), name=f"file{place}")

    def start(self, place: int = 0, **options: Any) -> Json:
        """Start a configuration."""
        return dict(self.client.start_file("single", place, **options))

    def go(self, name: str) -> None:
        """Let tasks pass that wait for this name."""
        (self.here / name).touch()

    def said(self, name: str) -> list[str]:
        """The lines of a file that tasks wrote."""
        path = self.here / name
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def wait(self, tasks: list[Json]) -> list[Json]:
        """Until these have ended; how they did."""
        return [self.daemon.wait(task["id"], timeout_s=40) for task in tasks]

    def tasks(self, run: Json) -> list[Json]:
        """All tasks of a run."""
        found: list[Json] = self.daemon.get(f"/api/tasks?submission={run['submission_id']}&limit=1000")
        return found

    def wait_run(self, run: Json) -> list[Json]:
        """Until a run is over; its tasks."""
        target = f"/api/submissions/{run['submission_id']}/wait?timeout=5"
        wait_until(lambda: self.daemon.get(target)["is_ended"], 60, "the run is over")
        return self.tasks(run)

    def stop_all(self) -> None:
        """Leave nothing behind."""
        for run in self.daemon.get("/api/scheduler/running?processes=0")["schedulers"]:
            try:
                self.daemon.post(f"/api/scheduler/stop/{run['pid']}")
            except Failure as failure:
                if failure.body["code"] != "wrong_state":  # it is over by now
                    raise
            self.wait_run(run)


ALONE = "flock -n gpu$GAVELQ_GPUS sleep 0.03"
"""Fails beside another task on its GPU."""


def block(lane: str, command: str, *numbers: object) -> str:
    return "\n".join([lane, command, *map(str, numbers or (1,))]) + "\n\n"


def until(name: str) -> str:
    """A command line that waits for a file."""
    return f"until [ -e {name} ]; do sleep 0.02; done"


def states(tasks: list[Json]) -> list[str]:
    return [task["state"] for task in tasks]


# --- order ---------------------------------------------------------------------------------------------------


def test_a_lane_runs_in_file_order_one_after_another(runs: Runs) -> None:
    once = "mkdir busy && echo {name} >> order && sleep 0.02 && rmdir busy"
    text = "".join(block("car", once.replace("{name}", name)) for name in "abcdef")
    tasks = runs.wait(runs.submit(text))
    assert states(tasks) == ["completed"] * 6  # mkdir would have failed beside another one
    assert runs.said("order") == list("abcdef")
    assert [task["name"] for task in tasks] == [f"f.txt:car:{number}" for number in range(1, 7)]
    for before, after in itertools.pairwise(tasks):
        assert before["ended_at"] <= after["started_at"]


def test_lanes_run_side_by_side_on_gpus_of_their_own(runs: Runs) -> None:
    # Each waits for all others: they must run at once.
    meet = "touch {lane}; for x in a b c d; do until [ -e $x ]; do sleep 0.02; done; done"
    tasks = runs.wait(runs.submit("".join(block(lane, meet.replace("{lane}", lane)) for lane in "abcd")))
    assert states(tasks) == ["completed"] * 4
    assert sorted(task["gpus"] for task in tasks) == [[0], [1], [2], [3]]


def test_several_command_lines_run_one_after_another_until_one_fails(runs: Runs) -> None:
    text = "1\necho one >> lines\n# between\necho {work_dir} >> lines\nfalse\necho never >> lines\n1\n"
    (task,) = runs.wait(runs.submit(text))
    assert task["state"] == "failed"
    assert runs.said("lines") == ["one", str(runs.here)]


def order_of_starts(runs: Runs, text: str, mode: str = "single", **options: Any) -> list[str]:
    tasks = runs.wait(runs.submit(text, mode, **options))
    return [task["name"] for task in sorted(tasks, key=lambda task: str(task["started_at"]))]


def test_in_single_mode_the_heads_start_in_an_order_that_its_seed_repeats(narrow: Box, tmp_path: Path) -> None:
    runs = Runs(narrow, tmp_path)
    text = "".join(block(lane, "true") for lane in "abcdef")
    first = order_of_starts(runs, text, seed=1)
    assert order_of_starts(runs, text, seed=1) == first
    assert order_of_starts(runs, text, seed=2) != first
    assert order_of_starts(runs, text, seed=3) != first


def test_in_multi_mode_larger_ones_start_first_then_the_smaller_queue_id(tmp_path: Path) -> None:
    with box(n_gpus=2, env=QUICK) as daemon:
        runs = Runs(daemon, tmp_path)
        text = "".join(block(lane, "true", gpus, 1) for lane, gpus in [("b", 1), ("10", 1), ("x", 2), ("2", 2)])
        order = order_of_starts(runs, text, "multi")
        assert order[:2] == ["f.txt:2:1", "f.txt:x:1"]
        assert set(order[2:]) == {"f.txt:10:1", "f.txt:b:1"}
    (tmp_path / "more").mkdir()
    with box(n_gpus=1, env=QUICK) as daemon:
        runs = Runs(daemon, tmp_path / "more")
        text = "".join(block(lane, "true", 1, 1) for lane in ("b", "10", "9", "a"))
        assert order_of_starts(runs, text, "multi") == ["f.txt:9:1", "f.txt:10:1", "f.txt:a:1", "f.txt:b:1"]


# --- failures ------------------------------------------------------------------------------------------------


def test_after_a_failure_a_lane_goes_on(runs: Runs) -> None:
    tasks = runs.wait(runs.submit(block("a", "false") + block("a", "true") + block("b", "true")))
    assert states(tasks) == ["failed", "completed", "completed"]


def test_after_a_failure_a_lane_stops_where_the_start_says_so_and_the_others_go_on(runs: Runs) -> None:
    text = block("a", "false") + block("a", "true") + block("a", "true") + block("b", "true") + block("b", "true")
    tasks = runs.wait(runs.submit(text, on_failure="stop"))
    assert states(tasks) == ["failed", "aborted", "aborted", "completed", "completed"]
    assert tasks[1]["end_reason"] == "dependency_failed"
    assert f"task {tasks[0]['id']} before it in lane a" in tasks[1]["end_detail"]


def test_a_task_that_is_tried_again_keeps_the_turn_of_its_lane(runs: Runs) -> None:
    flaky = "echo first >> order; [ -e second ] || { touch second; exit 1; }"
    tasks = runs.wait(runs.submit(block("a", flaky) + block("a", "echo next >> order"), retries=3))
    assert states(tasks) == ["completed", "completed"]
    assert tasks[0]["attempt"] == 2
    assert runs.said("order") == ["first", "first", "next"]


def test_killing_a_task_lets_its_lane_go_on(runs: Runs) -> None:
    tasks = runs.submit(block("a", "sleep 600") + block("a", "true"))
    runs.daemon.wait(tasks[0]["id"], "running")
    runs.daemon.post(f"/api/tasks/{tasks[0]['id']}/kill")
    assert states(runs.wait(tasks)) == ["cancelled", "completed"]


def test_a_lane_waits_for_a_head_that_is_held(runs: Runs) -> None:
    tasks = runs.submit(block("a", "true") + block("a", "true") + block("b", "true"), hold=True)
    assert states(tasks) == ["held"] * 3
    runs.daemon.post(f"/api/tasks/{tasks[1]['id']}/run")
    runs.daemon.post(f"/api/tasks/{tasks[2]['id']}/run")
    runs.daemon.wait(tasks[2]["id"], "completed")
    second = runs.daemon.wait(tasks[1]["id"], "pending")
    assert second["pending_reason"] == "serial"
    assert f"task {tasks[0]['id']} comes before it" in second["pending_detail"]
    runs.daemon.post(f"/api/tasks/{tasks[0]['id']}/run")
    assert states(runs.wait(tasks)) == ["completed"] * 3


def test_where_submissions_wait_command_files_do_too(tmp_path: Path) -> None:
    with box(env={**QUICK, "GAVELQ_SUBMIT_DEFAULT_QUEUE": "waiting"}) as daemon:
        runs = Runs(daemon, tmp_path)
        tasks = runs.submit(block("a", "true") + block("a", "true"))
        assert {(task["state"], task["queue"]) for task in tasks} == {("held", "waiting")}
        daemon.post(f"/api/submissions/{tasks[0]['submission_id']}/run", {})
        assert states(runs.wait(tasks)) == ["completed", "completed"]


# --- mistakes ------------------------------------------------------------------------------------------------


def test_all_mistakes_are_told_with_their_lines_and_nothing_is_started(runs: Runs) -> None:
    text = block("1", "true", 4000) + "2\n\n" + block("3", "true", 1) + block("4", "true", "x")
    n_before = len(runs.daemon.get("/api/tasks?limit=10000"))
    runs.keep(text)
    for act in (lambda: runs.submit(text), runs.start):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.code == "invalid_file"
        assert [one["line"] for one in caught.value.details["mistakes"]] == [3, 5, 13]
        assert [one["block"][:7] for one in caught.value.details["mistakes"]] == ["block 1", "block 2", "block 4"]
    assert len(runs.daemon.get("/api/tasks?limit=10000")) == n_before


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"queue": "nosuch"}, "queue_not_found"), ({"workdir": "/no/where"}, "invalid_field"),
        ({"retries": "many"}, "invalid_field"), ({"on_failure": "cry"}, "invalid_field"),
        ({"nonsense": 1}, "invalid_field"),
    ],
)  # fmt: skip
def test_a_wrong_option_of_a_start_is_named(runs: Runs, options: Json, code: str) -> None:
    with pytest.raises(GavelqError) as caught:
        runs.submit(block("1", "true"), **options)
    assert caught.value.code == code


def test_unknown_modes_and_configurations_and_runs_are_not_found(runs: Runs) -> None:
    for act, code in (
        (lambda: runs.submit(block("1", "true"), mode="double"), "mode_not_found"),
        (lambda: runs.start(77), "configuration_not_found"),
        (lambda: runs.client.stop_run(4711), "run_not_found"),
    ):
        with pytest.raises(GavelqError) as caught:
            act()
        assert caught.value.code == code
    with pytest.raises(NotFound):  # programs catch these by their class
        runs.start(77)
    with pytest.raises(NotFound):
        runs.client.stop_run(4711)


# --- start and stop ------------------------------------------------------------------------------------------


def test_a_start_that_is_sent_twice_starts_once(runs: Runs) -> None:
    runs.keep(block("1", until("over")))
    first, second = runs.start(key="k1"), runs.start(key="k1")
    assert first["pid"] == second["pid"]
    with pytest.raises(WrongState, match=f"running .submission {first['pid']}"):
        runs.start(key="k2")
    runs.go("over")
    runs.wait_run(first)
    runs.wait_run(again := runs.start(key="k3"))
    assert again["pid"] > first["pid"]


def test_a_stopped_run_ends_what_waits_without_starting_it(runs: Runs) -> None:
    text = "".join(block(f"l{lane}", f"echo x >> begun; {until('over')}") for lane in range(12))
    runs.keep(text + text)
    run = runs.start()
    wait_until(lambda: len(runs.said("begun")) == 4, 60, "all GPUs are used")
    stopped = runs.client.stop_file("single", 0)
    assert stopped["n_done"] == 24
    assert Counter(states(runs.wait_run(run))) == {"cancelled": 24}
    assert len(runs.said("begun")) == 4
    with pytest.raises(WrongState, match="not running"):
        runs.client.stop_file("single", 0)
    with pytest.raises(WrongState):
        runs.client.stop_run(run["pid"])


def test_a_run_that_is_still_stopping_says_so_to_who_starts_or_deletes_it(runs: Runs) -> None:
    runs.keep(block("1", "true"))
    runs.keep(block("1", f"trap '' TERM; echo x >> begun; {until('over')}"), 1)
    run = runs.start(1)
    wait_until(lambda: runs.said("begun"), 60, "it runs")
    with pytest.raises(WrongState) as running:
        runs.start(1)
    assert "gavelq file stop 2" in running.value.hint
    runs.client.stop_file("single", 1)
    for action in (lambda: runs.start(1), lambda: runs.client.delete_file("single", 1)):
        with pytest.raises(WrongState, match="is stopping") as told:
            action()
        assert "gavelq file state -f 2" in told.value.hint
        assert "file stop" not in told.value.hint
    (runs.here / "over").touch()
    runs.wait_run(run)
    again = runs.start(1)
    assert again["pid"] > run["pid"]
    runs.wait_run(again)


def test_three_at_once_never_share_a_gpu_and_one_is_stopped_and_started_again(runs: Runs) -> None:
    for place in range(3):
        command = f"echo {place} >> begun; {ALONE}"
        runs.keep("".join(block(str(lane), command) for _ in range(4) for lane in range(3)), place)
    started = [runs.start(place) for place in range(3)]
    wait_until(lambda: "1" in runs.said("begun"), 60, "the second one runs")
    runs.client.stop_file("single", 1)
    assert set(states(runs.wait_run(started[1]))) <= {"cancelled", "completed"}
    again = runs.start(1)
    for run in (started[0], started[2], again):
        assert states(runs.wait_run(run)) == ["completed"] * 12
    assert runs.client.file_state("single", 1)["state"] == "completed"
    assert runs.client.file_state("single", 1)["pid"] == again["pid"]


def test_configurations_side_by_side_hold_each_gpu_alone(runs: Runs) -> None:
    for place in range(2):
        runs.keep("".join(block(str(lane), ALONE) for _ in range(3) for lane in range(6)), place)
    for run in [runs.start(place) for place in range(2)]:
        assert states(runs.wait_run(run)) == ["completed"] * 18


def test_with_maximize_resource_utilization_lanes_share_a_card(tmp_path: Path) -> None:
    with box(n_gpus=1, env={**QUICK, "GAVELQ_RULES_MAXIMIZE_RESOURCE_UTILIZATION": "true"}) as daemon:
        runs = Runs(daemon, tmp_path)
        meet = "touch {lane}; until [ -e a -a -e b ]; do sleep 0.02; done"
        tasks = runs.wait(runs.submit("".join(block(lane, meet.replace("{lane}", lane), 8) for lane in "ab")))
        assert states(tasks) == ["completed", "completed"]
        assert [task["gpus"] for task in tasks] == [[0], [0]]


def test_otherwise_a_card_is_for_one_task(narrow: Box, tmp_path: Path) -> None:
    runs = Runs(narrow, tmp_path)
    tasks = runs.submit(block("a", until("over")) + block("b", until("over")), seed=1)
    wait_until(
        lambda: Counter(states([narrow.task(t["id"]) for t in tasks])) == {"running": 1, "pending": 1}, 60, "one"
    )
    waiting = next(found for t in tasks if (found := narrow.task(t["id"]))["state"] == "pending")
    assert waiting["pending_reason"] == "gpu_count"
    runs.go("over")
    assert states(runs.wait(tasks)) == ["completed", "completed"]


# --- edits ---------------------------------------------------------------------------------------------------


def test_an_edit_alone_touches_nothing_and_an_apply_only_what_has_not_started(runs: Runs) -> None:
    first = f"echo a >> order; {until('over')}"
    runs.keep(block("1", first) + block("1", "echo b >> order") + block("1", "echo c >> order"))
    run = runs.start()
    wait_until(lambda: runs.said("order") == ["a"], 60, "the first one runs")
    changed = block("1", "echo changed >> order") + block("1", "echo c >> order") + block("1", "echo new >> order")
    runs.keep(changed + block("2", "echo two >> other"))
    before = runs.tasks(run)
    shown = runs.client.diff_file("single", 0)
    assert runs.client.apply_file("single", 0, dry_run=True) == shown
    assert runs.tasks(run) == before
    assert [shown[name] for name in ("n_added", "n_removed", "n_kept", "n_started")] == [2, 1, 1, 1]
    assert shown["queues"]["1"]["started"] == [{"task_id": before[0]["id"], "state": "running", "line": 1}]
    done = runs.client.apply_file("single", 0, etag=shown["etag"])
    assert done["is_applied"]
    assert not runs.client.diff_file("single", 0)["is_changed"]
    runs.go("over")
    ends = runs.wait_run(run)
    assert runs.said("order") == ["a", "c", "new"]
    assert runs.said("other") == ["two"]
    assert states(ends) == ["completed", "cancelled", "completed", "completed", "completed"]
    assert [task["name"] for task in ends] == [
        "file0:1:1", "file0:1:2", "file0:1:2", "file0:1:3", "file0:2:1",
    ]  # fmt: skip
    with pytest.raises(WrongState, match="not running"):
        runs.client.apply_file("single", 0)


def test_an_apply_of_another_version_than_was_shown_is_refused(runs: Runs) -> None:
    runs.keep(block("1", until("over")))
    run = runs.start()
    runs.keep(block("1", until("over")) + block("1", "true"))
    shown = runs.client.diff_file("single", 0)
    runs.keep(block("1", until("over")) + block("1", "false"))
    with pytest.raises(GavelqError) as caught:
        runs.client.apply_file("single", 0, etag=shown["etag"])
    assert caught.value.code == "changed_meanwhile"
    assert len(runs.tasks(run)) == 1


def test_an_apply_of_a_text_with_mistakes_changes_nothing(runs: Runs) -> None:
    runs.keep(block("1", until("over")) + block("1", "true"))
    run = runs.start()
    for text, line in ((block("1", until("over")) + "2\n", 5), (block("1", "true") + block("2", "true", 900), 7)):
        runs.keep(text)
        with pytest.raises(UsageError) as caught:
            runs.client.apply_file("single", 0)
        assert caught.value.details["mistakes"][0]["line"] == line
    assert [task["state"] for task in runs.tasks(run)][1:] == ["pending"]


def test_edits_under_a_run_of_short_tasks_neither_lose_nor_double_any(runs: Runs) -> None:
    def text(n: int) -> str:
        return "".join(block(str(lane), f"echo {lane}.{at} >> begun") for at in range(n) for lane in range(3))

    runs.keep(text(4))
    run = runs.start()
    for n in range(5, 16):
        runs.keep(text(n))
        try:
            runs.client.apply_file("single", 0)
        except WrongState:  # all of them had ended
            break
    else:
        n += 1
    runs.wait_run(run)
    assert Counter(runs.said("begun")) == {f"{lane}.{at}": 1 for lane in range(3) for at in range(n - 1)} or (
        Counter(runs.said("begun")) == {f"{lane}.{at}": 1 for lane in range(3) for at in range(n)}
    )
    for lane in range(3):
        own = [line for line in runs.said("begun") if line.startswith(f"{lane}.")]
        assert own == sorted(own, key=lambda line: int(line.partition(".")[2]))


def test_what_the_start_asked_for_holds_for_what_an_apply_adds(runs: Runs) -> None:
    (other := runs.here / "other").mkdir()
    runs.keep(block("1", until("over")))
    env = {"PATH": "/usr/bin:/bin", "WORD": "hello"}
    run = runs.start(priority=9, time_limit="1h", env=env, workdir=str(other))
    runs.keep(block("1", until("over")) + block("1", "echo $WORD {work_dir} >> said"))
    runs.client.apply_file("single", 0)
    added = runs.tasks(run)[1]
    assert (added["priority"], added["time_limit_s"], added["workdir"]) == (9, 3600, str(other))
    runs.go("other/over")
    runs.wait_run(run)
    assert runs.said("other/said") == [f"hello {other}"]


def test_what_is_added_to_a_held_run_is_held_until_somebody_lets_it_go(runs: Runs) -> None:
    runs.keep(block("1", "true"))
    run = runs.start(hold=True)
    runs.keep(block("1", "true") + block("2", until("over")))
    runs.client.apply_file("single", 0)
    assert states(runs.tasks(run)) == ["held", "held"]
    runs.daemon.post(f"/api/tasks/{runs.tasks(run)[1]['id']}/run")
    runs.keep(block("1", "true") + block("2", until("over")) + block("3", until("over")))
    runs.client.apply_file("single", 0)
    assert states(runs.tasks(run))[2] != "held"
    runs.go("over")
    runs.daemon.post(f"/api/submissions/{run['submission_id']}/run", {})
    assert states(runs.wait_run(run)) == ["completed"] * 3


# --- a death in the middle -----------------------------------------------------------------------------------


def test_a_killed_daemon_loses_and_doubles_nothing(tmp_path: Path) -> None:
    with box(env=QUICK) as daemon:
        runs = Runs(daemon, tmp_path)
        text = "".join(
            block(str(lane), f"echo {lane}.{at} >> begun; sleep 0.05") for at in range(6) for lane in range(5)
        )
        runs.keep(text)
        run = runs.start()
        for n_begun in (3, 12, 20):
            wait_until(lambda n_begun=n_begun: len(runs.said("begun")) >= n_begun, 60, f"{n_begun} begun")  # type: ignore[misc]  # a default binds it
            daemon.kill()
            daemon.start()
        ends = runs.wait_run(run)
        assert states(ends) == ["completed"] * 30
        assert Counter(runs.said("begun")) == {f"{lane}.{at}": 1 for lane in range(5) for at in range(6)}
        for lane in range(5):
            assert [line for line in runs.said("begun") if line[0] == str(lane)] == [f"{lane}.{at}" for at in range(6)]
        assert runs.client.file_state("single", 0)["state"] == "completed"


def test_a_killed_daemon_remembers_what_an_apply_has_done(tmp_path: Path) -> None:
    with box(env=QUICK) as daemon:
        runs = Runs(daemon, tmp_path)
        runs.keep(block("1", f"echo a >> order; {until('over')}") + block("1", "echo b >> order"))
        run = runs.start()
        runs.keep(block("1", f"echo a >> order; {until('over')}") + block("1", "echo x >> order"))
        runs.client.apply_file("single", 0)
        daemon.kill()
        daemon.start()
        assert not runs.client.diff_file("single", 0)["is_changed"]
        with pytest.raises(WrongState):
            runs.start()
        runs.go("over")
        runs.wait_run(run)
        assert runs.said("order") == ["a", "x"]


# --- the command line ----------------------------------------------------------------------------------------


def test_the_command_line_submits_starts_compares_applies_and_stops(runs: Runs) -> None:
    path = runs.here / "中文.txt"
    path.write_bytes(f"# 队列\r\n1\r\n{until('over')} # 等\r\n1 # 显存\r\n\r\n2\r\ntrue\r\n1\r\n".encode("gbk"))
    done = runs.daemon.cli("submit", "file", "--file", str(path), "-w", str(runs.here), "--hold", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert '"name":"中文.txt:1:1"' in done.stdout.replace('": "', '":"')
    stopped = runs.daemon.cli("file", "stop", "--run", str(newest_run(runs)))
    assert "2 tasks stopped" in stopped.stdout
    runs.keep(block("1", until("over")) + block("1", "true"))
    said = runs.daemon.cli("file", "start", "1", "--mode", "single", "-p", "3")
    assert "2 tasks in 1 lane" in said.stdout
    assert runs.daemon.cli("file", "start", "1", "--mode", "single").returncode == 6
    runs.keep(block("1", until("over")) + block("1", "echo changed") + block("2", "true", 2))
    shown = runs.daemon.cli("file", "diff", "1", "--mode", "single").stdout
    assert "+ line 5: echo changed (1 GPU, 1 GB)" in shown
    assert "lane 2\n  + line 9: true (1 GPU, 2 GB)" in shown
    assert ": true\n" in shown
    assert "2 added, 1 removed" in runs.daemon.cli("file", "apply", "1", "--mode", "single", "--dry-run").stdout
    applied = runs.daemon.cli("file", "apply", "1", "--mode", "single", "-y").stdout
    assert "is as the file says now: 2 added, 1 removed" in applied
    assert "nothing to change" in runs.daemon.cli("file", "diff", "1", "--mode", "single").stdout
    assert runs.daemon.cli("file", "stop", "1", "--mode", "single").returncode == 0
    assert runs.daemon.cli("file", "stop").returncode == 2


def newest_run(runs: Runs) -> int:
    found: list[Json] = runs.daemon.get("/api/scheduler/running?processes=0")["schedulers"]
    return int(found[-1]["pid"])


def test_a_mistake_in_a_file_that_is_submitted_is_told_with_its_line(runs: Runs) -> None:
    done = runs.daemon.cli("submit", "file", "--file", "-", "--mode", "multi", stdin="1\ntrue\n9\n1\n")
    assert done.returncode == 2
    assert "stdin:3: block 1 (queue '1', from line 1): it asks for 9 GPUs and there are 4" in done.stderr


def test_an_unreadable_file_is_a_wrong_argument(runs: Runs) -> None:
    done = runs.daemon.cli("submit", "file", "--file", "/no/such/file")
    assert done.returncode == InvalidField.exit_code
    assert "/no/such/file cannot be read" in done.stderr

"""gavelq.Executor: calls that are tasks, behind the interface of concurrent.futures; with a real daemon."""

import asyncio
import concurrent.futures
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from gavelq import Client, Executor
from gavelq.client import calls as calls_module
from gavelq.client.calls import CALL, OUTCOME, CallNotFound, Calls
from gavelq.client.futures import CallFailed, RemoteTraceback, TaskFuture
from gavelq.core.errors import InvalidField, NotAllowed, TaskNotFound, WrongState
from gavelq.testing.waiting import wait_until
from tests.client import work
from tests.support.daemon import Box, box

TIMEOUT_S = 60


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the calls lie."""
    return tmp_path / "calls"


@pytest.fixture
def executor(client: Client, directory: Path) -> Iterator[Executor]:
    """An executor whose calls need no GPU, so that many run at once."""
    with Executor(gpus=0, client=client, directory=directory) as found:
        yield found


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """A fifo that `work.pass_gate` waits at."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def begin(executor: Executor, gate: Path) -> TaskFuture[str]:
    """A call that runs and waits at the gate."""
    future = executor.submit(work.pass_gate, str(gate))
    wait_until(lambda: future.running() and b"at the gate" in future.logs(), 60, "it waits at the gate")
    return future


# --- results -----------------------------------------------------------------------------------------------


def test_a_call_returns_what_its_function_returns(executor: Executor, directory: Path, real: Box) -> None:
    future = executor.submit(work.times, 21)
    assert future.result(TIMEOUT_S) == 42
    assert (future.done(), future.running(), future.cancelled(), future.exception()) == (True, False, False, None)
    assert future.logs() == b"21 times 2\n"
    assert real.task(future.task_id)["name"] == "times"
    assert os.listdir(directory) == []


def test_functions_of_a_program_travel_with_what_they_use(executor: Executor) -> None:
    class Point:
        def __init__(self, x: int) -> None:
            self.x = x

    offset = 5
    moved = executor.submit(lambda point: Point(point.x + offset), Point(1))
    partly = executor.submit(partial(work.times, by=10), 4)
    assert isinstance(moved.result(TIMEOUT_S), Point)
    assert (moved.result().x, partly.result(TIMEOUT_S)) == (6, 40)


def test_the_task_is_where_the_caller_is(executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_MARK", "seen")
    monkeypatch.chdir(tmp_path)
    assert executor.submit(work.surroundings).result(TIMEOUT_S) == {"cwd": str(tmp_path), "gpus": "", "mark": "seen"}


def test_gpus_and_other_fields_are_those_of_a_task(real: Box, client: Client, directory: Path) -> None:
    with Executor(gpus=2, memory="1G", priority=7, client=client, directory=directory, tags=["mine"]) as executor:
        future = executor.submit(work.surroundings)
        assert future.result(TIMEOUT_S)["gpus"] == "0,1"
    task = real.task(future.task_id)
    assert (task["memory_mib"], task["priority"], task["tags"][0]) == (1024, 7, "mine")
    with pytest.raises(InvalidField, match="argv"):
        Executor(argv=["true"], client=client, directory=directory)


def test_rows_are_mapped_in_order_several_to_a_task(executor: Executor, real: Box) -> None:
    before = real.get("/api/tasks?newest=1&limit=1")
    assert list(executor.map(work.add, range(7), range(10, 20), chunksize=3, timeout=TIMEOUT_S)) == [
        10, 12, 14, 16, 18, 20, 22,
    ]  # fmt: skip
    tasks = real.get(f"/api/tasks?after={before[0]['id'] if before else 0}")
    assert [task["name"] for task in tasks] == ["add"] * 3
    assert len({task["submission_id"] for task in tasks}) == 1
    assert list(executor.map(work.add, [], [])) == []


def test_a_mapping_that_takes_too_long_cancels_the_rest(executor: Executor, gate: Path) -> None:
    with pytest.raises(TimeoutError):
        next(executor.map(work.pass_gate, [str(gate)], timeout=0.01))
    gate.write_text("go\n")


def test_the_tools_of_concurrent_futures_and_asyncio_work(executor: Executor) -> None:
    futures = [executor.submit(work.times, number) for number in range(3)]
    assert {future.result() for future in concurrent.futures.as_completed(futures, TIMEOUT_S)} == {0, 2, 4}
    heard: list[int] = []
    future = executor.submit(work.times, 5)
    future.add_done_callback(lambda done: heard.append(done.result()))
    assert len(concurrent.futures.wait([future], TIMEOUT_S).done) == 1
    wait_until(lambda: heard == [10], 60, "the callback was called")

    async def live() -> int:
        return await asyncio.get_running_loop().run_in_executor(executor, work.times, 8)

    assert asyncio.run(live()) == 16


def test_one_thread_watches_all_futures(executor: Executor) -> None:
    futures = [executor.submit(work.times, number) for number in range(8)]
    watching = [thread for thread in threading.enumerate() if thread.name == "gavelq-futures" and thread.is_alive()]
    assert len(watching) <= 1
    assert [future.result(TIMEOUT_S) for future in futures] == [2 * number for number in range(8)]


# --- failures ----------------------------------------------------------------------------------------------


def test_an_exception_comes_back_with_its_traceback(executor: Executor) -> None:
    future = executor.submit(work.fail, "gone")
    with pytest.raises(KeyError, match="gone") as caught:
        future.result(TIMEOUT_S)
    cause = caught.value.__cause__
    assert isinstance(cause, RemoteTraceback)
    assert "in fail\n    raise KeyError(text)" in str(cause)
    assert "run_pickled.py" not in str(cause)
    assert b"KeyError" in future.logs()
    assert future.task()["end_reason"] == "exit_nonzero"


def test_exceptions_of_a_programs_own_are_caught_as_such(executor: Executor) -> None:
    class Oops(Exception):
        pass

    def fail() -> None:
        raise Oops("mine")

    with pytest.raises(Oops, match="mine"):
        executor.submit(fail).result(TIMEOUT_S)


def test_an_exception_that_cannot_travel_is_told_by_its_text(executor: Executor) -> None:
    class Awkward(Exception):
        def __init__(self, one: int, two: int) -> None:
            super().__init__(one)

    def fail() -> None:
        raise Awkward(1, 2)

    with pytest.raises(CallFailed, match=r"raised .*Awkward\(1\)") as caught:
        executor.submit(fail).result(TIMEOUT_S)
    assert "raise Awkward(1, 2)" in str(caught.value.__cause__)


def test_results_that_cannot_travel_are_told(executor: Executor) -> None:
    with pytest.raises(TypeError, match="returned generator, which cannot be sent back"):
        executor.submit(work.unsendable).result(TIMEOUT_S)
    with pytest.raises(CallFailed, match="cannot be read here: ValueError"):
        executor.submit(work.unreadable).result(TIMEOUT_S)
    with pytest.raises((TypeError, AttributeError)):
        executor.submit(work.times, threading.Lock())  # type: ignore[arg-type]  # that is the test


def test_sizes_are_bounded_on_both_ways(client: Client, directory: Path) -> None:
    with Executor(gpus=0, client=client, directory=directory, max_bytes=100_000) as executor:
        with pytest.raises(InvalidField, match="arguments"):
            executor.submit(len, b"x" * 200_000)
        with pytest.raises(InvalidField, match="result"):
            executor.submit(bytes, 200_000).result(TIMEOUT_S)
        assert len(executor.submit(bytes, 50_000).result(TIMEOUT_S)) == 50_000
    assert os.listdir(directory) == []


def test_a_process_that_dies_is_told_with_its_last_words(executor: Executor) -> None:
    with pytest.raises(CallFailed, match="ended without a result: signalled") as caught:
        executor.submit(work.die).result(TIMEOUT_S)
    assert (caught.value.end_reason, caught.value.log) == ("signalled", "last words\n")
    assert "  last words" in str(caught.value)


def test_a_time_limit_is_told(client: Client, directory: Path, gate: Path) -> None:
    with Executor(gpus=0, client=client, directory=directory, time_limit=1) as executor:
        future = executor.submit(work.pass_gate, str(gate))
    with pytest.raises(CallFailed, match="time_limit") as caught:
        future.result(TIMEOUT_S)
    assert caught.value.end_reason == "time_limit"


def test_a_forked_childs_end_is_not_the_calls(executor: Executor) -> None:
    assert executor.submit(work.fork_and_leave).result(TIMEOUT_S) == "the child left with 3"


def test_only_the_last_attempts_outcome_counts(client: Client, directory: Path) -> None:
    fields = {"retries": 1, "backoff": "0", "retry_on": "all"}
    with Executor(gpus=0, client=client, directory=directory, **fields) as executor:  # type: ignore[arg-type]
        assert executor.submit(work.try_again).result(TIMEOUT_S) == 2
        with pytest.raises(CallFailed, match="signalled"):
            executor.submit(work.fail_then_die).result(TIMEOUT_S)


# --- cancel, kill, shutdown --------------------------------------------------------------------------------


def test_a_waiting_call_can_be_cancelled_and_a_running_one_not(client: Client, directory: Path, gate: Path) -> None:
    with Executor(gpus=2, client=client, directory=directory) as executor:
        running = begin(executor, gate)
        waiting = executor.submit(work.times, 1)
        assert waiting.cancel()
        assert waiting.cancelled()
        assert waiting.cancel()
        assert waiting.task()["state"] == "cancelled"
        with pytest.raises(concurrent.futures.CancelledError):
            waiting.result()
        assert not running.cancel()
        gate.write_text("passed\n")
        assert running.result(TIMEOUT_S) == "passed"
        assert not running.cancel()
    assert os.listdir(directory) == []


def test_a_running_call_can_be_killed(executor: Executor, gate: Path) -> None:
    future = begin(executor, gate)
    assert future.kill()
    with pytest.raises(CallFailed, match="cancelled_by_user") as caught:
        future.result(TIMEOUT_S)
    assert caught.value.log == "at the gate\n"
    assert not future.kill()


def test_a_call_that_somebody_else_cancels_is_cancelled(client: Client, directory: Path) -> None:
    with Executor(gpus=0, client=client, directory=directory, hold=True) as executor:
        future = executor.submit(work.times, 1)
        client.kill(future.task_id)
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(TIMEOUT_S)


def test_a_call_whose_task_is_removed_is_told(client: Client, directory: Path) -> None:
    with Executor(gpus=0, client=client, directory=directory, hold=True) as executor:
        other = executor.submit(work.times, 2)
        future = executor.submit(work.times, 1)
        client.remove(future.task_id)
        with pytest.raises(TaskNotFound):
            future.result(TIMEOUT_S)
        client.run(other.task_id)
        assert other.result(TIMEOUT_S) == 4


def test_shutdown_cancels_what_waits_and_waits_for_what_runs(client: Client, directory: Path, gate: Path) -> None:
    executor = Executor(gpus=2, client=client, directory=directory)
    running, waiting = begin(executor, gate), executor.submit(work.times, 1)
    executor.shutdown(wait=False, cancel_futures=True)
    assert (waiting.cancelled(), running.done()) == (True, False)
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(work.times, 1)
    gate.write_text("passed\n")
    executor.shutdown()
    assert running.result(0) == "passed"


# --- coming back -------------------------------------------------------------------------------------------

NOTEBOOK = """
import os
import gavelq

class Answer:
    def __init__(self, value): self.value = value

factor = 6
def work(x):
    if x < 0: raise ValueError("negative")
    return Answer(x * factor).value

executor = gavelq.Executor(gpus=1, memory="1G", directory=os.environ["CALLS"])
assert executor.submit(lambda: Answer(3)).result(60).value == 3
print(executor.submit(work, 7).task_id, executor.submit(work, -1).task_id)
"""


def test_a_notebook_that_was_restarted_gets_its_futures_back(
    real: Box, client: Client, directory: Path, tmp_path: Path
) -> None:
    env = {**real.env, "CALLS": str(directory), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    # Read from standard input, as a kernel runs cells: __main__ has no file.
    done = subprocess.run(
        [sys.executable, "-"], input=NOTEBOOK, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    ids = [int(word) for word in done.stdout.split()]
    good, bad = Executor.attach(ids, client=client, directory=directory)
    assert good.result(TIMEOUT_S) == 42
    with pytest.raises(ValueError, match="negative"):
        bad.result(TIMEOUT_S)
    (again,) = Executor.attach(ids[:1], client=client, directory=directory)
    with pytest.raises(CallNotFound, match="there is no call"):
        again.result(TIMEOUT_S)
    wait_until(lambda: not os.listdir(directory), 60, "nothing is left")


def test_reattaching_gives_the_same_future_within_a_program(executor: Executor, gate: Path) -> None:
    future = begin(executor, gate)
    assert executor.reattach(future.task_id) is future
    gate.write_text("passed\n")
    assert future.result(TIMEOUT_S) == "passed"


def test_only_calls_can_be_reattached(executor: Executor, real: Box) -> None:
    with pytest.raises(WrongState, match="no function call"):
        executor.reattach(real.submit("true"))
    with pytest.raises(TaskNotFound):
        executor.reattach(999_999)


def test_a_daemon_that_is_killed_and_comes_back_loses_no_result(tmp_path: Path, gate: Path) -> None:
    with box(n_gpus=1) as own:
        executor = Executor(gpus=1, client=Client(socket=own.socket), directory=tmp_path / "calls")
        future = begin(executor, gate)
        own.kill()
        gate.write_text("passed\n")
        own.start()
        assert future.result(TIMEOUT_S) == "passed"


# --- the directory -----------------------------------------------------------------------------------------


def test_calls_lie_in_a_directory_of_ones_own(directory: Path) -> None:
    calls = Calls(str(directory))
    token = calls.new({"payload": b"x"})
    for path in (directory, directory / token):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (directory / token / CALL).stat().st_mode & 0o777 == 0o600
    assert calls.read(token, CALL) == {"payload": b"x"}
    assert calls.read(token, OUTCOME) is None


def test_a_directory_that_others_may_write_to_is_refused(directory: Path) -> None:
    directory.mkdir(mode=0o770)
    directory.chmod(0o770)
    with pytest.raises(NotAllowed, match="mode is 0770"):
        Calls(str(directory))


def test_a_link_to_a_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotAllowed, match="a link"):
        Calls(str(directory))


def test_nothing_is_unpickled_from_a_place_that_was_opened_meanwhile(directory: Path) -> None:
    calls = Calls(str(directory))
    token = calls.new({})
    (directory / token).chmod(0o777)
    with pytest.raises(NotAllowed):
        calls.read(token, CALL)
    (directory / token).chmod(0o700)
    (directory / token / CALL).chmod(0o666)
    with pytest.raises(NotAllowed, match="plain file"):
        calls.read(token, CALL)


def test_links_and_fifos_are_no_outcomes(directory: Path, tmp_path: Path) -> None:
    calls = Calls(str(directory))
    token = calls.new({})
    (tmp_path / "evil").write_bytes(b"")
    (directory / token / OUTCOME).symlink_to(tmp_path / "evil")
    with pytest.raises(NotAllowed):
        calls.read(token, OUTCOME)
    (directory / token / OUTCOME).unlink()
    os.mkfifo(directory / token / OUTCOME)
    with pytest.raises(NotAllowed):
        calls.read(token, OUTCOME)


@pytest.mark.parametrize("token", ["", ".", "../x", "a" * 31, "A" * 32, "0" * 32 + "/.."])
def test_a_token_is_no_path(directory: Path, token: str) -> None:
    with pytest.raises(CallNotFound):
        Calls(str(directory)).read(token, CALL)


def test_calls_that_nobody_came_back_for_are_removed(directory: Path) -> None:
    calls = Calls(str(directory))
    token = calls.new({})
    made_at = (directory / token).stat().st_mtime
    (directory / "a file of somebody's").write_text("")
    assert calls.sweep(made_at + calls_module.KEEP_S) == 0
    assert calls.sweep(made_at + calls_module.KEEP_S + 1) == 1
    assert os.listdir(directory) == ["a file of somebody's"]


# --- what is missing ---------------------------------------------------------------------------------------


def test_without_cloudpickle_the_command_that_installs_it_is_told(real: Box, tmp_path: Path) -> None:
    (tmp_path / "cloudpickle.py").write_text("raise ImportError('this stands for a missing package')")
    code = "import gavelq; gavelq.Executor(gpus=0).submit(print)"
    env = {**real.env, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60)
    assert "needs the package cloudpickle" in done.stderr
    assert f"{sys.executable} -m pip install cloudpickle" in done.stderr

"""AsyncClient against a real daemon: the verbs of Client, with connections that are kept."""

import asyncio
import inspect
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from gavelq import AsyncClient, Client
from gavelq.client import shapes
from gavelq.client.address import Address
from gavelq.client.async_link import AsyncLink
from gavelq.client.http import Link
from gavelq.client.replay import replayed
from gavelq.core.errors import DaemonUnreachable, InvalidField, NotFound, TimedOut, WrongState
from gavelq.testing.waiting import wait_until
from tests.client.scripted import Peer, Turn, scripted
from tests.support.daemon import Box, box


def verbs(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}


def test_asyncio_has_every_verb_that_blocking_programs_have() -> None:
    missing = verbs(Client) - verbs(AsyncClient)
    assert not missing, (
        f"write `{next(iter(missing))} = _awaited(Client....)` and its like into client/aio.py: {missing}"
    )
    assert verbs(AsyncClient) - verbs(Client) == {"close"}


def test_a_task_is_submitted_watched_and_read(real: Box) -> None:
    async def live() -> None:
        async with AsyncClient(socket=real.socket) as client:
            task = await client.submit("echo begun; echo done", gpu_count=1, name="mine", workdir="/tmp")
            ended = await client.wait(task["id"], timeout_s=60)
            assert (ended["state"], ended["name"]) == ("completed", "mine")
            assert await client.logs(task["id"]) == b"begun\ndone\n"
            assert await client.logs(task["id"], tail=1) == b"done\n"
            assert set(get_type_hints(shapes.TaskDetails)) <= set(await client.task(task["id"]))
            assert task["id"] in [found["id"] async for found in client.tasks(states=["completed"])]
            assert len(await client.gpus()) == 2
            assert {queue["name"] for queue in await client.queues()} >= {"running", "waiting"}
            assert (await client.submission(task["submission_id"]))["is_ended"]

    asyncio.run(live())


def test_many_at_once_share_kept_connections(real: Box) -> None:
    async def live() -> set[int]:
        async with AsyncClient(socket=real.socket) as client:
            many = [client.submit("true", gpu_count=0, workdir="/tmp", env={}) for _ in range(40)]
            tasks = await asyncio.gather(*many)
            ended = await asyncio.gather(*(client.wait(task["id"], timeout_s=60) for task in tasks))
            assert {task["state"] for task in ended} == {"completed"}
            return {task["id"] for task in tasks}

    assert len(asyncio.run(live())) == 40


def test_one_client_lives_in_one_loop_after_another(real: Box) -> None:
    client = AsyncClient(socket=real.socket)
    assert [asyncio.run(_n_gpus(client)) for _ in range(3)] == [2, 2, 2]


async def _n_gpus(client: AsyncClient) -> int:
    return len(await client.gpus())


def test_errors_are_those_of_the_daemon(real: Box) -> None:
    async def live() -> None:
        async with AsyncClient(socket=real.socket) as client:
            with pytest.raises(NotFound):
                await client.task(999_999)
            task = await client.submit("sleep 60", hold=True, workdir="/tmp")
            with pytest.raises(TimedOut, match="still held"):
                await client.wait(task["id"], timeout_s=0.1)
            await client.kill(task["id"])
            with pytest.raises(WrongState):
                await client.hold(task["id"])
        with pytest.raises(DaemonUnreachable):
            await AsyncClient(socket="/tmp/gavelq-nobody-is-here.sock").gpus()

    asyncio.run(live())


def test_a_cancelled_wait_leaves_the_client_usable(real: Box) -> None:
    async def live() -> None:
        async with AsyncClient(socket=real.socket) as client:
            task = await client.submit("sleep 60", hold=True, workdir="/tmp")
            waiting = asyncio.ensure_future(client.wait(task["id"]))
            while not waiting.done() and not (await client.status())["counts"].get("held"):
                pass
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert (await client.kill(task["id"]))["state"] == "cancelled"

    asyncio.run(live())


# --- output as it comes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "asyncio"])
def test_output_is_followed_through_all_attempts(real: Box, tmp_path: Path, is_async: bool) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = f'echo try $GAVELQ_ATTEMPT; read line < "{gate}"; echo $line; [ $GAVELQ_ATTEMPT = 2 ]'
    task_id = real.submit(command, retries=1, backoff="0", retry_on="all")
    seen: list[bytes] = []

    def react(piece: bytes) -> None:
        """Let the attempt go on when its first line was seen."""
        seen.append(piece)
        if piece.startswith(b"try"):
            gate.write_text(f"passed {piece[4:5].decode()}\n")

    async def follow() -> None:
        async with AsyncClient(socket=real.socket) as client:
            async for piece in client.follow(task_id):
                react(piece)

    if is_async:
        asyncio.run(follow())
    else:
        for piece in Client(socket=real.socket).follow(task_id):
            react(piece)
    assert b"".join(seen) == b"try 1\npassed 1\ntry 2\npassed 2\n"
    assert b"".join(Client(socket=real.socket).follow(task_id, tail=1)) == b"passed 2\n"


def test_following_goes_on_through_a_restart_of_the_daemon(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with box(n_gpus=1) as own:
        task_id = own.submit(f'echo before; read line < "{gate}"; echo $line')
        pieces = Client(socket=own.socket).follow(task_id)
        assert next(pieces) == b"before\n"
        own.restart()
        gate.write_text("after\n")
        assert b"".join(pieces) == b"after\n"


def test_waiting_goes_on_through_a_restart_of_the_daemon(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    with box(n_gpus=1) as own, ThreadPoolExecutor() as threads:
        task_id = own.submit(f'read line < "{gate}"')
        client, submission_id = Client(socket=own.socket), own.task(task_id)["submission_id"]

        async def ask(verb: str, what: Any) -> Any:
            async with AsyncClient(socket=own.socket) as it:
                return await getattr(it, verb)(what)

        verbs = [("wait", task_id), ("wait_any", [task_id]), ("wait_submission", submission_id)]
        waits = [threads.submit(getattr(client, verb), what) for verb, what in verbs]
        waits += [threads.submit(asyncio.run, ask(verb, what)) for verb, what in verbs]
        wait_until(lambda: n_connections(own.socket) >= len(waits), what="all of them wait")
        own.restart()
        gate.write_text("go\n")
        assert [found.result().get("state", "ended") for found in waits] == ["completed", "completed", "ended"] * 2


def n_connections(path: str) -> int:
    """How many connections of a unix socket its server has taken (proc(5): /proc/net/unix, state 03)."""
    lines = Path("/proc/net/unix").read_text().splitlines()
    return sum(line.endswith(f" {path}") and line.split()[5] == "03" for line in lines)


def test_who_waits_for_no_task_is_told(real: Box) -> None:
    with pytest.raises(InvalidField, match="ids: no task"):
        Client(socket=real.socket).wait_any([])
    with pytest.raises(InvalidField, match="ids: no task"):
        asyncio.run(AsyncClient(socket=real.socket).wait_any([]))


def test_a_tail_is_asked_for_in_the_digits_that_were_written(real: Box) -> None:
    task_id = real.submit("seq 3")
    real.wait(task_id)
    assert b"".join(Client(socket=real.socket).follow(task_id, tail=1000000)) == b"1\n2\n3\n"
    with pytest.raises(InvalidField, match="'1234567' is not"):
        list(Client(socket=real.socket).follow(task_id, tail=1234567))


# --- leases ------------------------------------------------------------------------------------------------


def test_gpus_are_leased_in_an_async_block(real: Box) -> None:
    async def live() -> int:
        async with AsyncClient(socket=real.socket) as client:
            async with client.lease(gpus=2, time_limit="1h") as lease:
                assert lease.gpus == [0, 1]
                assert lease.env["CUDA_VISIBLE_DEVICES"] == ",".join(lease.gpu_uuids)
                assert [task["id"] for task in await client.leases()] == [lease.id]
            return lease.id

    assert real.wait(asyncio.run(live()))["end_reason"] == "released"


def test_a_cancelled_wait_for_gpus_takes_the_request_back(real: Box) -> None:
    async def live() -> None:
        async with AsyncClient(socket=real.socket) as client, client.lease(gpus=2):
            acquiring = asyncio.ensure_future(client.lease(gpus=1).acquire())
            while len(await client.leases()) < 2:
                pass
            acquiring.cancel()
            with pytest.raises(asyncio.CancelledError):
                await acquiring
            assert len(await client.leases()) == 1

    asyncio.run(live())
    wait_until(lambda: not real.get("/api/leases"), 60, "nothing is left on lease")


# --- kept connections --------------------------------------------------------------------------------------


def replies(*texts: str, then: Turn | None = None) -> Turn:
    """Answers one request after another on its connection, then does something else, or hangs up."""

    def turn(peer: Peer) -> None:
        for number, text in enumerate(texts):
            if number:
                peer.take()
            peer.send(f"HTTP/1.1 200 OK\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        if then is not None:
            then(peer)

    return turn


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    """A loop that lives as long as the test."""
    with asyncio.Runner() as runner:
        yield runner


def test_a_connection_that_the_daemon_closed_is_replaced(loop: asyncio.Runner) -> None:
    with scripted(replies("[]", "[]"), replies("[]")) as server:
        client = AsyncClient(socket=server.socket)
        assert [loop.run(client.gpus()) for _ in range(3)] == [[], [], []]
        assert len(server.requests) == 2


def test_what_must_not_arrive_twice_gets_a_connection_of_its_own(loop: asyncio.Runner) -> None:
    # The first connection would answer as well; but it may break, and nobody would know whether the task was killed.
    with scripted(replies("[]", '{"id": 1}'), replies('{"id": 2}')) as server:
        client = AsyncClient(socket=server.socket)
        loop.run(client.gpus())
        assert loop.run(client.kill(1))["id"] == 2
        assert [request.split()[0] for request in server.requests] == ["GET", "POST"]


def test_what_may_have_been_done_is_not_repeated(loop: asyncio.Runner) -> None:
    with scripted(lambda peer: None, replies('{"id": 1}')) as server:
        with pytest.raises(DaemonUnreachable, match="broke") as failure:
            loop.run(AsyncClient(socket=server.socket).kill(1))
        assert failure.value.details["interrupted"]
        assert len(server.requests) == 1


def test_a_submission_is_sent_again_with_its_key(loop: asyncio.Runner) -> None:
    with scripted(lambda peer: None, replies('[{"id": 1}]')) as server:
        assert loop.run(AsyncClient(socket=server.socket).submit("true"))["id"] == 1
        keys = [server.header(number, "idempotency-key") for number in (0, 1)]
        assert keys[0] == keys[1] is not None


def test_a_verb_that_catches_errors_is_replayed_as_any_other(loop: asyncio.Runner) -> None:
    def verb(link: Link) -> object:
        try:
            return link.fetch("GET", "/one"), link.fetch("GET", "/two")
        except Exception:  # noqa: BLE001  # a request that has to be made first is no error of the verb's
            return "caught"

    with scripted(replies("1", "2")) as server:
        assert loop.run(replayed(AsyncLink(Address(socket=server.socket)), verb)) == (1, 2)


def test_tcp_needs_the_token(real: Box, loop: asyncio.Runner) -> None:
    token = (real.home / "state" / "admin.token").read_text().strip()
    url = real.get("/api/daemon")["http"]
    assert len(loop.run(AsyncClient(url=url, token=token).gpus())) == 2

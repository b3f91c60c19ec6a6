"""Bound log files through the SDK, blocking and on asyncio."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import get_type_hints

import pytest

from gavelq import AsyncClient, Client
from gavelq.client import shapes
from gavelq.core.errors import NotAllowed, NotFound
from tests.support.daemon import Box, box


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Box]:
    with box(n_gpus=1, env={"GAVELQ_LOGS_ROOTS": str(tmp_path)}) as instance:
        text = "car\necho begun > car.log; sleep 1; echo done >> car.log\n1\n"
        client = Client(socket=instance.socket)
        client.new_file("single", text, workdir=str(tmp_path))
        client.start_file("single", 0)
        yield instance


def test_a_log_is_bound_followed_to_its_end_and_let_go(started: Box, tmp_path: Path) -> None:
    client = Client(socket=started.socket)
    bound = client.bind_log("single", 0, "car", 0, "car.log")
    assert (bound["path"], bound["known"], bound["replaced"]) == (str(tmp_path / "car.log"), True, None)
    assert get_type_hints(shapes.Bound).keys() <= bound.keys()
    assert list(client.log_bindings("single", 0)["bindings"]) == ["single_0_car_0"]
    assert client.log_bindings("multi")["bindings"] == {}
    told, offset, identity, ended = "", 0, None, False
    while not ended:
        part = client.bound_log("single", 0, "car", 0, offset=offset, identity=identity, wait_s=10)
        told += part["content"]
        offset, identity, ended = part["next_offset"], part["identity"], part["ended"]
    assert told == "begun\ndone\n"
    assert get_type_hints(shapes.BoundLogPart).keys() <= part.keys()
    assert client.bound_log("single", 0, "car", 0, tail_lines=1)["content"] == "done\n"
    assert client.read_log(str(tmp_path / "car.log"), tail_lines=1)["content"] == "done\n"
    assert client.unbind_log("single", 0, "car", 0) == {"unbound": "single_0_car_0", "path": str(tmp_path / "car.log")}
    with pytest.raises(NotFound):
        client.bound_log("single", 0, "car", 0)
    with pytest.raises(NotAllowed):
        client.bind_log("single", 0, "car", 0, "/etc/passwd")


def test_the_same_on_asyncio(started: Box, tmp_path: Path) -> None:
    async def live() -> None:
        async with AsyncClient(socket=started.socket) as client:
            bound = await client.bind_log("single", 0, "car", 0, "car.log")
            assert bound["key"] in (await client.log_bindings())["bindings"]
            part = await client.bound_log("single", 0, "car", 0, offset=0, wait_s=10)
            assert part["content"].startswith("begun\n")
            assert (await client.read_log(str(tmp_path / "car.log"), offset=0))["content"].startswith("begun\n")
            assert (await client.unbind_log("single", 0, "car", 0))["unbound"] == bound["key"]

    asyncio.run(live())

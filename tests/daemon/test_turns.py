"""Callers that wait for a task to change: when they are woken."""

import asyncio

from gavelq.core.ids import TaskId
from gavelq.core.step import Changes
from gavelq.daemon.turns import Turns

ONE, TWO = TaskId(1), TaskId(2)
LONG_S = 1000.0


def changed(*ids: TaskId) -> Changes:
    """A commit of these tasks (that they were removed does not matter here)."""
    return Changes(tasks=dict.fromkeys(ids))


async def asked(turns: Turns, answers: list[bool], *ids: TaskId) -> "asyncio.Task[None]":
    """Somebody who waits for these tasks; `answers` are what he sees each time he looks, the last one stays."""

    def is_so() -> bool:
        return answers.pop(0) if len(answers) > 1 else answers[0]

    waiting = asyncio.create_task(turns.until(is_so, ids, LONG_S))
    await asyncio.sleep(0)
    return waiting


async def is_over(waiting: "asyncio.Task[None]") -> bool:
    """Whether he has gone, once everybody had his turn."""
    for _ in range(5):
        await asyncio.sleep(0)
    return waiting.done()


def test_a_change_makes_those_look_who_wait_for_it() -> None:
    async def scene() -> None:
        turns = Turns()
        mine, other = await asked(turns, [False, True], ONE, TWO), await asked(turns, [False, True], ONE)
        turns.notice(changed(TWO))
        assert await is_over(mine)
        assert not await is_over(other)
        turns.notice(changed(ONE))
        assert await is_over(other)

    asyncio.run(scene())


def test_a_change_that_is_not_the_one_is_waited_through() -> None:
    async def scene() -> None:
        turns = Turns()
        waiting = await asked(turns, [False, False, True], ONE)
        turns.notice(changed(ONE))
        assert not await is_over(waiting)
        turns.notice(changed(ONE))
        assert await is_over(waiting)

    asyncio.run(scene())


def test_what_is_so_already_is_not_waited_for() -> None:
    async def scene() -> None:
        assert await is_over(await asked(Turns(), [True], ONE))

    asyncio.run(scene())


def test_the_end_of_the_daemon_lets_everybody_go() -> None:
    async def scene() -> None:
        turns = Turns()
        waiting = await asked(turns, [False], ONE)
        turns.let_go()
        assert await is_over(waiting)
        assert await is_over(await asked(turns, [False], ONE)), "also who comes now"

    asyncio.run(scene())


def test_time_that_is_over_ends_the_wait_and_leaves_nothing_behind() -> None:
    async def scene() -> None:
        turns = Turns()
        await turns.until(lambda: False, (ONE, TWO), 0.01)
        turns.notice(changed(ONE))
        assert not turns._by_task

    asyncio.run(scene())

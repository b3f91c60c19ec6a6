"""The console in Chinese tells the daemon's reasons in Chinese: of waits, of cards, of ends, of refusals."""

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gavelq.testing.waiting import wait_until
from tests.support.browser import Visit, visit
from tests.support.daemon import Box, box

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

ENGLISH = re.compile(r"[A-Za-z]{2,}[,;:]? [a-z]{2,}[,;:]? [a-z]{2,}")
"""Three words that follow each other: no name and no value has so many here."""
COMMAND = re.compile(r"gavelq [a-z]+ [a-z]+ [\w-]+|\w+ \w+, pid \d+")
"""What one may type stands as it is, and so do names of people and programs."""


@pytest.fixture(scope="module")
def instance(stranger: int) -> Iterator[Box]:
    """GPU 0 and 1 busy, 2 a stranger's, 3 ignored; tasks that wait for many reasons, and some that have ended."""
    with box(listen="127.0.0.1:0") as started:
        faults = started.home / "state" / "simulated" / "faults.json"
        faults.write_text(json.dumps({"foreign": {"2": {"mib": 23000, "pid": stranger}}}))
        wait_until(lambda: started.get("/api/gpus/2")["state"] == "foreign", 60, "the stranger is seen")
        started.post("/api/gpus/3/ignore")
        for queue in (
            {"name": "small", "max_gpus": 1},
            {"name": "stopped", "paused": True},
            {"name": "wait", "hold": True},
        ):
            started.post("/api/queues", queue)
        started.post("/api/tenants", {"name": "ada", "max_gpus": 1})
        first = started.submit("sleep 600", name="train", gpu_ids=["0"], memory="20G", time_limit="2h", queue="small")
        second = started.submit("sleep 600", name="bench", gpu_ids=["1"], tenant="ada")
        for number in (first, second):
            started.wait(number, "running")
        started.submit("true", name="wide", gpu_count=2, time_limit="1h", priority=50)
        started.submit("true", name="listed", gpu_ids=["0"])
        started.submit("true", name="foreign", gpu_ids=["2"])
        started.submit("true", name="ignored", gpu_ids=["3"])
        started.submit("true", name="limited", queue="small")
        started.submit("true", name="quota", tenant="ada")
        started.submit("true", name="paused", queue="stopped")
        started.submit("true", name="later", not_before="+3h")
        started.submit("true", name="behind", after=[first])
        started.submit("true", name="large", gpu_count=9, allow_infeasible=True)
        started.submit("true", name="held", hold=True)
        started.submit("true", name="kept", queue="wait")
        started.submit("exit 3", name="again", gpu_count=0, retries=3, backoff="3600x1..3600")
        started.submit("exit 3", name="failed", gpu_count=0)
        killed = started.submit("sleep 600", name="killed", gpu_count=0)
        orphan = started.submit("true", name="orphan", gpu_count=0, after=[killed])
        started.post(f"/api/tasks/{killed}/kill")
        started.wait(orphan, "aborted")
        yield started


@pytest.fixture(scope="module")
def visitor(browser: "Browser", instance: Box) -> Iterator[Visit]:
    """An admin who reads Chinese."""
    with visit(browser, instance, language="zh") as visitor:
        visitor.enter()
        yield visitor


def task_of(instance: Box, name: str) -> int:
    return next(int(task["id"]) for task in instance.get("/api/tasks") if task["name"] == name)


def english(place: "Locator") -> list[str]:
    """The lines in which there is an English sentence."""
    lines = [COMMAND.sub("", line) for line in place.inner_text().splitlines()]
    return [line for line in lines if ENGLISH.search(line)]


def read(place: "Locator") -> None:
    """The page has heard all that it shows: no English is left, but what is a name or a command."""
    left: list[str] = []

    def is_chinese() -> bool:
        left[:] = english(place)
        return not left

    try:
        wait_until(is_chinese, 60, "the page tells all in Chinese")
    except AssertionError:
        raise AssertionError(f"still in English: {left}") from None


WAITS = {
    "wide": "空闲的 GPU 不足|可用的 GPU 不足",
    "listed": "任务 .* 占用",
    "foreign": "外部|占用",
    "ignored": "已忽略",
    "limited": "队列 small 已用 1 张 GPU，还需 1 张，上限 max_gpus 为 1",
    "quota": "租户 ada 已占用 1 张 GPU，还需 1 张，配额 max_gpus 为 1",
    "paused": "队列 stopped 已暂停",
    "later": "之后才启动",
    "behind": "等待任务 .* 成功完成",
    "large": "公共池中能满足需求的只有 4 张",
    "again": "上次运行失败",
    "held": "挂起",
    "kept": "队列 wait 会挂起其中的任务",
    "failed": "命令的退出码为 3",
    "orphan": "依赖的任务未按要求结束.任务 .* 已取消",
    "killed": "由 root 要求|由 .* 取消|由所有者取消",
}


@pytest.mark.parametrize("name", WAITS)
def test_the_drawer_tells_in_chinese_why_a_task_is_where_it_is(visitor: Visit, instance: Box, name: str) -> None:
    number = task_of(instance, name)
    if name == "again":
        wait_until(lambda: instance.task(number)["pending_reason"] == "backoff", 60, "its first try has failed")
    visitor.goto(f"/ui/state/{number}?tab=why")
    panel = visitor.page.get_by_role("complementary").get_by_role("tabpanel")
    panel.get_by_text(re.compile(WAITS[name])).first.wait_for()
    read(panel)


@pytest.mark.parametrize(("path", "known"), [("/ui/state", "队列 stopped 已暂停"), ("/ui/gpu", "外部占用")])
def test_the_pages_of_tasks_and_gpus_tell_in_chinese_what_is_in_the_way(visitor: Visit, path: str, known: str) -> None:
    visitor.goto(path)
    main = visitor.page.get_by_role("main")
    main.get_by_text(known).first.wait_for()
    read(main)

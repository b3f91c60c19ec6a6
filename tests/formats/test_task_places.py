"""Where in a file of tasks a task and its fields stand, and what can be judged without a daemon."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.formats.task_check import Judged, judge
from gavelq.formats.task_file import open_task_file
from gavelq.formats.task_places import NOWHERE

JSON = """{"//": "[{", "tasks": [
  {"cmd": "a", "gpu_num": 1},
  {"cmd": "b \\"{[,:",
   "name": "x",
   "params": {"lr": [1,
     2], "b\\u0073": [3]},
   "gpu_ids": [0,
               1], "odd.name": 1},
  7,
  {}
]}
"""
YAML = """# comment
tasks:
- &first
  cmd: a
  gpu_num: 1
- <<: *first
  name: x
  params:
    lr: [1,
         2]
    bs: [3]
  gpu_ids:
  - 0
  - 1
  odd.name: 1
- 7
- {cmd: b, <<: [{env: {A: "1"}}]}
"""


def place(text: str, index: int | None, field: str) -> tuple[int, int]:
    (found,) = open_task_file(text.encode(), "t").places([(index, field)])
    return found.line, found.column


@pytest.mark.parametrize(
    ("index", "field", "line", "column"),
    [
        (0, "cmd", 2, 4),
        (0, "gpu_num", 2, 16),
        (0, "gpu_count", 2, 16),  # another name of the same field
        (0, "time_limit", 2, 3),  # it is not there: the task itself
        (0, "", 2, 3),
        (1, "name", 4, 4),
        (1, "params", 5, 4),
        (1, "params.lr", 5, 15),
        (1, "params.lr[1]", 6, 6),
        (1, "params.bs", 6, 10),
        (1, "params.zz", 5, 4),
        (1, "gpu_ids[1]", 8, 16),
        (1, "odd.name", 8, 20),
        (2, "", 9, 3),
        (3, "command", 10, 3),
        (4, "command", 0, 0),
        (None, "time_limit", 0, 0),
    ],
)
def test_places_in_json(index: int | None, field: str, line: int, column: int) -> None:
    assert place(JSON, index, field) == (line, column)


@pytest.mark.parametrize(
    ("index", "field", "line", "column"),
    [
        (0, "cmd", 4, 3),
        (0, "gpu_count", 5, 3),
        (1, "name", 7, 3),
        (1, "cmd", 4, 3),  # it came along with <<
        (1, "params.lr", 9, 5),
        (1, "params.lr[1]", 10, 10),
        (1, "gpu_ids[1]", 14, 5),
        (1, "odd.name", 15, 3),
        (2, "", 16, 3),
        (3, "env.A", 17, 24),
        (3, "queue", 17, 3),
    ],
)
def test_places_in_yaml(index: int | None, field: str, line: int, column: int) -> None:
    assert place(YAML, index, field) == (line, column)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(tasks=st.lists(_VALUES, min_size=1, max_size=5), indent=st.sampled_from([None, 0, 1]), wrapped=st.booleans())
def test_every_task_of_any_json_is_found_where_it_begins(tasks: list[Any], indent: int | None, wrapped: bool) -> None:
    text = json.dumps({"tasks": tasks} if wrapped else tasks, indent=indent, ensure_ascii=False)
    lines = text.split("\n")
    found = open_task_file(text.encode("utf-8", "surrogatepass"), "t").places([(n, "") for n in range(len(tasks))])
    for task, one in zip(tasks, found, strict=True):
        rest = "\n".join([lines[one.line - 1][one.column - 1 :], *lines[one.line :]])
        assert json.JSONDecoder().raw_decode(rest)[0] == task


def test_a_large_list_is_looked_through_quickly() -> None:
    text = json.dumps([{"cmd": f"python train.py --seed {n}", "env": {"A": "{[,"}} for n in range(50_000)], indent=1)
    began = time.process_time()
    (found,) = open_task_file(text.encode(), "t").places([(49_999, "env.A")])
    assert time.process_time() - began < 10
    assert text.split("\n")[found.line - 1].strip().startswith('"A"')


def test_no_mistake_has_a_place_outside_of_the_tasks() -> None:
    assert open_task_file(b"[{}]", "t").places([(None, "x"), (1, "y")]) == [NOWHERE, NOWHERE]


# --- judging ---------------------------------------------------------------------------------------------


def judged(*tasks: object, base: object = None, most: int = 100) -> Judged:
    return judge(tasks, base, most=most, is_directory=lambda path: path == "/there")


def wrong(*tasks: object, **options: Any) -> list[tuple[int | None, str]]:
    return [(one.index, one.field) for one in judged(*tasks, **options).mistakes]


def test_mistakes_of_every_kind_are_told_at_once_and_in_the_order_of_the_file() -> None:
    found = wrong(
        {"cmd": "a", "priority": 500, "workdir": "/none"},
        {"cmd": "b {x}", "log_path": "one.log", "params": {"x": [1, 2]}},
        {"cmd": "c", "workdir": "/there"},
        {"gpu_num": "two", "nosuch": 1},
    )
    assert found == [(0, "priority"), (0, "workdir"), (1, "log_path"), (3, "gpu_num"), (3, "nosuch")]


def test_mistakes_of_the_options_belong_to_no_task() -> None:
    assert wrong({"cmd": "a"}, base={"time_limit": "soon"}) == [(None, "time_limit")]


def test_too_many_tasks_are_a_mistake_of_the_file() -> None:
    assert wrong({"cmd": "a", "array": "0-100"}) == [(None, "")]


def test_what_a_good_file_asks_for_is_counted() -> None:
    found = judged(
        {"cmd": "a", "gpu_num": 2, "queue": "night"},
        {"cmd": "b", "array": "0-2"},
        {"cmd": "c", "gpu_ids": [0, 1]},
        {"cmd": "d", "min_gpus": 3, "max_gpus": 8},
        {"cmd": "e", "gpu_count": 0},
    )
    assert found.mistakes == ()
    assert found.n_by_queue("running") == {"night": 1, "running": 6}
    assert found.gpu_counts == [2, 1, 1, 1, 2, 3, 0]

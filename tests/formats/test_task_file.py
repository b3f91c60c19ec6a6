"""Files of tasks: JSON or YAML, a list or {"tasks": [...]}, and mistakes with line and column."""

import json
import time

import pytest

from gavelq.core.errors import InvalidFile
from gavelq.formats.task_file import read_task_file


def read(text: str | bytes, path: str = "tasks.json") -> list[object]:
    return read_task_file(text.encode() if isinstance(text, str) else text, path)


def refused(text: str | bytes, path: str = "tasks.json") -> tuple[int, int, str]:
    with pytest.raises(InvalidFile) as caught:
        read(text, path)
    details = caught.value.details
    if details["line"]:
        assert caught.value.message.startswith(f"{path}:{details['line']}:{details['column']}: ")
    assert details["problem"] in caught.value.message
    return details["line"], details["column"], details["problem"]


ONE = [{"cmd": "ls", "gpu_num": 1}]


@pytest.mark.parametrize(
    "text",
    [
        '[{"cmd": "ls", "gpu_num": 1}]',
        '{"tasks": [{"cmd": "ls", "gpu_num": 1}]}',
        '\ufeff[{"cmd": "ls", "gpu_num": 1}]',
        '{"//": "comment", "tasks": [\n\t{"cmd": "ls",\n\t"gpu_num": 1}]}',
        "- cmd: ls\n  gpu_num: 1\n",
        "tasks:\n- {cmd: ls, gpu_num: 1}  # comment\n",
        "[{cmd: ls, gpu_num: 1},]",
        "# only one\n---\n- cmd: ls\n  gpu_num: 0x1\n",
    ],
)
def test_json_and_yaml_say_the_same(text: str) -> None:
    assert read(text) == ONE


def test_anchors_and_merges_work() -> None:
    text = "tasks:\n- &first {cmd: a, gpu_num: 2, env: {A: '1'}}\n- <<: *first\n  cmd: b\n- *first\n"
    first, second, third = read(text, "t.yaml")
    assert second == {"cmd": "b", "gpu_num": 2, "env": {"A": "1"}}
    assert first == third


@pytest.mark.parametrize(
    ("text", "path", "line", "column", "problem"),
    [
        ('[\n  {"cmd": "a" "b"}\n]', "t.json", 2, 15, "not JSON"),
        ('[{"cmd": }]', "t.txt", 0, 0, ""),
        ('[\n{"cmd": "a",\n "cmd": "b"}]', "t.json", 3, 2, "'cmd' stands twice"),
        ("- cmd: a\n  cmd: b\n", "t.yaml", 2, 3, "'cmd' stands here twice"),
        ("- cmd: [a\n", "t.yaml", 2, 1, "expected"),
        ("- cmd: a: b\n", "t.yaml", 1, 9, "mapping values are not allowed"),
        ("- &a [*a]\n", "t.yaml", 1, 3, "contains itself"),
        ("3", "t.json", 1, 1, "neither a list"),
        ("{}", "t.json", 1, 1, "neither a list"),
        ("", "t.yaml", 1, 1, "neither a list"),
        ("[]", "t.json", 1, 1, "no task in it"),
        ('{"tasks": [], "x": 1}', "t.json", 1, 15, "'x', which means nothing here"),
        ('[{"priority": NaN}]', "t.json", 1, 15, "NaN is not a number"),
    ],
)
def test_mistakes_have_a_place(text: str, path: str, line: int, column: int, problem: str) -> None:
    if not problem:
        assert read('[{"cmd": }]', path) == [{"cmd": None}]  # YAML gives it a meaning
        return
    assert refused(text, path)[:2] == (line, column)
    assert problem in refused(text, path)[2]


def test_bytes_that_are_not_utf8_are_refused_with_their_place() -> None:
    assert refused(b'[\n{"cmd": "\xff"}]') == (2, 10, "this is not UTF-8 text")


def test_a_huge_file_is_refused_before_it_is_parsed() -> None:
    assert "more than 16777216 bytes" in refused(b" " * (16 << 20) + b"[]")[2]
    assert "as YAML it may have" in refused("- cmd: a\n" * 500_000, "t.yaml")[2]


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "a: " + "[" * 5000 + "]" * 5000, '[{"a":' * 50_000, "- " * 3000 + "x", "{a: " * 20_000]
)
def test_deep_nesting_is_refused_quickly(text: str) -> None:
    began = time.perf_counter()
    assert "nested too deeply" in refused(text, "t.yaml")[2]
    assert time.perf_counter() - began < 1.0, "the YAML parser's time grows with the square of the depth"


def test_aliases_cannot_explode() -> None:
    lines = ["- &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"- &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "aliases written out" in refused("\n".join(lines), "t.yaml")[2]


def test_large_json_lists_are_quick_to_read() -> None:
    tasks = [{"cmd": f"python train.py --seed {n}", "gpu_num": 1} for n in range(20_000)]
    assert read(json.dumps(tasks)) == tasks

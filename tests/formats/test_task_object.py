"""Task objects: every field and synonym is read, and everything else is refused by name."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.formats.fields import MAX_LINE_BYTES, READERS
from gavelq.formats.task_object import InvalidTasks, ParsedScript, ParsedTask, parse_task, parse_tasks

ROOT = Path(__file__).parents[2]


def mistakes(*tasks: object, base: object = None) -> list[dict[str, Any]]:
    with pytest.raises(InvalidTasks) as caught:
        parse_tasks(list(tasks), base)
    found: list[dict[str, Any]] = caught.value.details["mistakes"]
    json.dumps(found)
    return found


def mistake(field: str, value: object) -> dict[str, Any]:
    task = {field: value} if field in ("command", "cmd", "argv", "script") else {"command": "true", field: value}
    (found,) = mistakes(task)
    assert found["index"] == 0
    assert found["hint"]
    return found


def test_a_command_alone_says_nothing_else() -> None:
    assert parse_task({"command": "true"}) == ParsedTask(command=("true",))


def test_every_field_is_read() -> None:
    task = parse_task(
        {
            "argv": ["python3", "train.py"],
            "name": "a näme",
            "workdir": "/tmp",
            "env": {"A": "1", "N": 4, "BASH_FUNC_x%%": "() { :; }"},
            "env_dropped": ["HF_TOKEN"],
            "queue": "night.1",
            "priority": 100,
            "tags": ["a", "b", "a"],
            "gpu_count": 2,
            "gpu_ids": [0, "0:1", "GPU-1-2"],
            "memory": "8.5G",
            "max_util": 50,
            "time_limit": "2h",
            "log_path": "logs/x.log",
            "hold": True,
            "requeue": False,
            "allow_infeasible": True,
        }
    )
    assert task == ParsedTask(
        argv=("python3", "train.py"),
        name="a näme",
        workdir="/tmp",
        env={"A": "1", "N": "4", "BASH_FUNC_x%%": "() { :; }"},
        env_dropped=("HF_TOKEN",),
        queue="night.1",
        priority=100,
        tags=("a", "b"),
        gpu_count=2,
        gpu_ids=("0", "0:1", "GPU-1-2"),
        memory_mib=8704,  # type: ignore[arg-type]  # a plain number reads better here
        max_util=50,
        time_limit_s=7200.0,
        log_path="logs/x.log",
        hold=True,
        requeue=False,
        allow_infeasible=True,
    )


def test_a_script_is_read_with_its_arguments() -> None:
    task = parse_task({"script": {"name": "a.py", "content": "print('ä')\n", "args": ["1"]}})
    assert task.script == ParsedScript(name="a.py", content="print('ä')\n".encode(), args=("1",))


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ({"cmd": "ls"}, "command", ("ls",)),
        ({"command": ["a", "b"]}, "command", ("a", "b")),
        ({"gpu_num": 2}, "gpu_count", 2),
        ({"gpus_required": 0}, "gpu_count", 0),
        ({"gpu_request": 1.0}, "gpu_count", 1),
        ({"memory": 8}, "memory_mib", 8192),
        ({"memory": 0.5}, "memory_mib", 512),
        ({"memory": "512M"}, "memory_mib", 512),
        ({"memory_mib": 4096}, "memory_mib", 4096),
        ({"memory_mb": "4096"}, "memory_mib", 4096),
        ({"max_util": "none"}, "max_util", None),
        ({"max_util": -1}, "max_util", None),
        ({"max_util": "20%"}, "max_util", 20),
        ({"time_limit": 90}, "time_limit_s", 90.0),
        ({"time_limit": "01:00:00"}, "time_limit_s", 3600.0),
        ({"time_limit_s": 1.5}, "time_limit_s", 1.5),
        ({"timeout": 60}, "time_limit_s", 60.0),
        ({"queue": None}, "queue", None),
        ({"depends_on": []}, "after", ()),
        ({"queue": 3}, "queue", "3"),
        ({"// why": "a comment"}, "name", None),
    ],
)
def test_synonyms_and_spellings(written: dict[str, object], field: str, value: object) -> None:
    task = written if "cmd" in written or "command" in written else {"command": "true", **written}
    assert getattr(parse_task(task), field) == value


@pytest.mark.parametrize("name", sorted(READERS))
@pytest.mark.parametrize("value", [{"a": {}}, [[]], object(), "\0", "\udcff", -1, 1e300, float("nan")])
def test_no_field_takes_nonsense(name: str, value: object) -> None:
    if name in ("max_util", "queue", "retries") and value == -1:  # no limit; a queue's name; again and again
        return
    found = mistake(name, value)
    assert found["field"].split("[")[0].split(".")[0] == name


@pytest.mark.parametrize(
    ("field", "value", "where", "problem"),
    [
        ("command", "", "command", "empty"),
        ("command", "  ", "command", "empty"),
        ("command", [], "command", "empty"),
        ("command", ["true", ""], "command", "empty"),
        ("command", 7, "command", "7 is not a command line"),
        ("command", "x" * (MAX_LINE_BYTES + 1), "command", "131072 bytes"),
        ("command", "ä" * 65536, "command", "131072 bytes"),
        ("command", ["x" * 100_000] * 11, "command", "1100000 characters"),
        ("command", ["x"] * 10_001, "command", "10001 items"),
        ("command", ["a", "b\0"], "command[1]", "NUL"),
        ("argv", [], "argv", "no program"),
        ("argv", [""], "argv", "no program"),
        ("argv", "ls -l", "argv", "not a list of texts"),
        ("argv", ["ls", 3], "argv[1]", "3 is not a text"),
        ("script", "a.sh", "script", "not an object"),
        ("script", {"name": "a.sh"}, "script.content", "not the script's text"),
        ("script", {"name": "a/b.sh", "content": "x"}, "script.name", "not a file's name"),
        ("script", {"name": "..", "content": "x"}, "script.name", "not a file's name"),
        ("script", {"content": " \n"}, "script.content", "empty"),
        ("script", {"content": "x", "arg": []}, "script.arg", "no such field"),
        ("script", {"content": "x", "args": "y"}, "script.args", "not a list"),
        ("script", {"content": "x" * (4 << 20) + "y"}, "script.content", "bytes"),
        ("name", "", "name", "not a name"),
        ("name", "a\nb", "name", "not a name"),
        ("name", "x" * 201, "name", "201 characters"),
        ("workdir", "here", "workdir", "not an absolute path"),
        ("workdir", "/" + "x" * 4095, "workdir", "4096 bytes"),
        ("env", ["A=1"], "env", "not an object"),
        ("env", {"A": True}, "env.A", "True is not a text"),
        ("env", {"A": None}, "env.A", "None is not a text"),
        ("env", {"A=B": "1"}, "env.A=B", "not a variable's name"),
        ("env", {"": "1"}, "env.", "not a variable's name"),
        ("env", {"A\n": "1"}, "env", "not a variable's name"),
        ("env", {"A": "x\0"}, "env.A", "NUL"),
        ("env", {"A": "x" * 131_070}, "env.A", "131070 bytes"),
        ("env", {f"A{n}": "x" * 100_000 for n in range(11)}, "env", "1048576 are the most"),
        ("queue", "a b", "queue", "not a queue's name"),
        ("queue", "ä", "queue", "not a queue's name"),
        ("queue", "x" * 65, "queue", "not a queue's name"),
        ("priority", 101, "priority", "from 0 to 100"),
        ("priority", "5", "priority", "'5' is not a number"),
        ("priority", True, "priority", "True is not a number"),
        ("priority", 1.5, "priority", "1.5 is not a whole number"),
        ("gpu_count", 1025, "gpu_count", "from 0 to 1024"),
        ("gpu_num", 10**400, "gpu_num", "from 0 to 1024"),
        ("memory", 10**400, "memory", "not an amount of memory"),
        ("gpu_ids", "0,1", "gpu_ids", "not a list of GPUs"),
        ("gpu_ids", [0, "0"], "gpu_ids[1]", "named twice"),
        ("gpu_ids", [-1.5], "gpu_ids[0]", "neither an index nor a UUID"),
        ("gpu_ids", [True], "gpu_ids[0]", "neither an index nor a UUID"),
        ("memory", "lots", "memory", "not an amount of memory"),
        ("memory", True, "memory", "True is not an amount"),
        ("memory_mib", -1, "memory_mib", "out of range"),
        ("max_util", 101, "max_util", "not a percentage"),
        ("time_limit", 0, "time_limit", "out of range"),
        ("time_limit", "soon", "time_limit", "not a duration"),
        ("time_limit", " ", "time_limit", "not a duration"),
        ("log_path", "logs/", "log_path", "not a file's path"),
        ("hold", "yes", "hold", "not true or false"),
        ("hold", 1, "hold", "not true or false"),
        ("tags", ["x" * 65], "tags[0]", "65 characters"),
        ("tags", ["a"] * 33, "tags", "at most 32"),
    ],
)
def test_a_mistake_names_its_field_and_its_problem(field: str, value: object, where: str, problem: str) -> None:
    found = mistake(field, value)
    assert found["field"] == where
    assert problem in found["problem"]
    assert len(found["problem"]) < 200


@pytest.mark.parametrize(("name", "hint"), [("gpu_cuont", "did you mean gpu_count?"), ("zzz", "the fields are")])
def test_unknown_fields_are_refused_with_a_suggestion(name: str, hint: str) -> None:
    found = mistake(name, 1)
    assert (found["field"], found["problem"]) == (name, "there is no such field")
    assert found["hint"].startswith(hint)


@pytest.mark.parametrize("pair", [("cmd", "command"), ("gpu_count", "gpu_num"), ("memory", "memory_mb")])
def test_two_names_of_one_field_are_refused(pair: tuple[str, str]) -> None:
    value: object = "1" if pair[0] != "gpu_count" else 1
    task = {pair[0]: value, pair[1]: value} if "cmd" in pair else {"cmd": "x", pair[0]: value, pair[1]: value}
    (found,) = mistakes(task)
    assert found["field"] == pair[1]
    assert pair[0] in found["problem"]


def test_exactly_one_kind_of_command_is_there() -> None:
    assert mistakes({"name": "x"})[0]["problem"] == "there is nothing to run"
    assert mistakes({"command": "x", "argv": ["y"]})[0]["field"] == "argv"


def test_more_gpus_than_are_listed_are_refused() -> None:
    assert mistakes({"command": "x", "gpu_ids": [0, 1], "gpu_count": 3})[0]["field"] == "gpu_count"
    assert mistakes({"command": "x", "gpu_ids": [0], "gpu_count": 0})[0]["field"] == "gpu_ids"
    assert parse_task({"command": "x", "gpu_ids": [0, 1], "gpu_count": 1}).gpu_count == 1


def test_all_mistakes_of_all_tasks_are_told_with_their_index() -> None:
    found = mistakes({"cmd": "ok"}, {"cmd": 1, "gpu_nmu": 2}, "x", {"cmd": "ok", "priority": -1}, base={"queue": "a b"})
    assert [(m["index"], m["field"]) for m in found] == [
        (None, "queue"),
        (1, "cmd"),
        (1, "gpu_nmu"),
        (2, ""),
        (3, "priority"),
    ]


def test_the_message_reads_by_itself() -> None:
    with pytest.raises(InvalidTasks) as caught:
        parse_tasks([{"cmd": "ok"}, {"cmd": "x", "gpu_num": "two"}])
    assert caught.value.message == "tasks[1].gpu_num: 'two' is not a number (write a number from 0 to 1024)"
    assert (caught.value.exit_code, caught.value.http_status, caught.value.code) == (2, 400, "invalid_tasks")
    with pytest.raises(InvalidTasks) as caught:
        parse_tasks([{}] * 5000)
    assert caught.value.message.startswith("5000 mistakes:")
    assert len(caught.value.message) < 5000
    assert len(caught.value.details["mistakes"]) == 1000


@pytest.mark.parametrize("tasks", [None, [], {}, "x", 3])
def test_a_submission_is_a_list_with_tasks(tasks: object) -> None:
    with pytest.raises(InvalidTasks, match="not a list with tasks"):
        parse_tasks(tasks)


def test_the_base_holds_defaults_for_every_task() -> None:
    base = {"workdir": "/w", "gpu_num": 2, "env": {"A": "1", "B": "1"}, "env_dropped": ["T"], "command": "base"}
    plain, own, argv = parse_tasks(
        [{}, {"gpu_count": 1, "env": {"B": "2"}, "env_dropped": ["U"], "command": "mine"}, {"argv": ["x"]}], base
    )
    assert (plain.command, plain.gpu_count, plain.workdir) == (("base",), 2, "/w")
    assert (own.command, own.gpu_count, own.workdir) == (("mine",), 1, "/w")
    assert own.env == {"A": "1", "B": "2"}
    assert own.env_dropped == ("T", "U")
    assert (argv.argv, argv.command) == (("x",), None)
    assert plain.env is argv.env, "a shared environment is one object"


def test_an_environment_may_not_grow_over_its_bound_by_the_base() -> None:
    large = {f"A{n}": "x" * 100_000 for n in range(10)}
    assert mistakes({"cmd": "x", "env": {"B": "x" * 100_000}}, base={"env": large})[0]["field"] == "env"


def test_the_reference_names_exactly_these_fields() -> None:
    text = (ROOT / "docs" / "rest.md").read_text()
    table = text.split("## A task request")[1].split("In `POST")[0]
    rows = [
        row.split("|")[1] + (row.split("|")[2] if "memory_mib" in row or "time_limit_s" in row else "")
        for row in table.splitlines()
        if row.startswith("| `")
    ]
    named = {word for row in rows for word in row.split("`")[1::2]} - {"2h"}
    assert named == set(READERS)


small_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@given(
    st.lists(
        st.dictionaries(st.sampled_from([*READERS, "x"]) | st.text(max_size=5), small_json, max_size=5), max_size=3
    )
)
def test_whatever_arrives_is_read_or_refused_cleanly(tasks: list[dict[str, object]]) -> None:
    try:
        parsed: tuple[ParsedTask, ...] | None = parse_tasks(tasks)
        told = {}
    except InvalidTasks as error:
        parsed, told = None, error.as_json()
    assert bool(json.dumps(told) and told.get("details", {}).get("mistakes")) == (parsed is None)
    assert parsed is None or len(parsed) == len(tasks)

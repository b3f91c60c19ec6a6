"""From one task object to its tasks: order, names, templates, quoting, bounds."""

import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.core.errors import InvalidField, LimitReached
from gavelq.formats.expansion import Expanded, expand, single
from gavelq.formats.sweep import Array
from gavelq.formats.task_object import InvalidTasks, ParsedTask, parse_task, parse_tasks


def expanded(*tasks: dict[str, Any], most: int = 1000) -> Expanded:
    whole = [task if "argv" in task else {"command": "true", **task} for task in tasks]
    return expand(parse_tasks(whole), most=most)


def made(**task: Any) -> tuple[ParsedTask, ...]:
    return expanded(task).tasks


def mistake(**task: Any) -> dict[str, Any]:
    with pytest.raises(InvalidTasks) as caught:
        made(**task)
    (found,) = caught.value.details["mistakes"]
    assert found["hint"]
    return dict(found)


def lines(**task: Any) -> list[str]:
    return [one.command[0] for one in made(**task) if one.command]


# --- which tasks, in which order -------------------------------------------------------------------------


def test_a_task_without_a_sweep_stays_as_it_is() -> None:
    plain = parse_task({"command": "echo {lr} {index}"})
    assert expand([plain], most=1) == Expanded(tasks=(plain,), sources=(0,))
    assert expand([plain], most=1).tasks[0] is plain


def test_an_array_makes_one_task_for_each_index() -> None:
    first, second = made(command="run {index}", array="3,1%1")
    assert (first.command, first.array) == (("run 3",), Array(indices=(3,)))
    assert (second.command, second.array) == (("run 1",), Array(indices=(1,)))
    assert first.max_parallel == second.max_parallel == 1


def test_the_first_parameter_varies_slowest() -> None:
    found = lines(command="{lr} {bs}", params={"lr": [".1", ".01"], "bs": [32, 64]})
    assert found == [".1 32", ".1 64", ".01 32", ".01 64"]


def test_rows_vary_slowest_and_the_index_fastest() -> None:
    found = lines(command="{r} {p} {index}", param_rows=[{"r": 1}, {"r": 2}], params={"p": ["a", "b"]}, array="0-1")
    assert found == ["1 a 0", "1 a 1", "1 b 0", "1 b 1", "2 a 0", "2 a 1", "2 b 0", "2 b 1"]


def test_each_task_carries_its_own_values() -> None:
    last = made(param_rows=[{"r": 1}], params={"p": ["a", "b"]}, max_parallel=3)[-1]
    assert dict(last.params or {}) == {"r": ("1",), "p": ("b",)}
    assert (last.array, last.param_rows, last.max_parallel) == (None, None, 3)


def test_the_tasks_of_several_objects_stand_in_their_order_with_their_sources() -> None:
    found = expanded({"command": "a", "array": "0-1"}, {"command": "b"}, {"command": "c", "params": {"x": [1, 2]}})
    assert [one.command for one in found.tasks] == [("a",), ("a",), ("b",), ("c",), ("c",)]
    assert found.sources == (0, 0, 1, 2, 2)


def test_more_tasks_than_allowed_are_refused_before_they_are_made() -> None:
    with pytest.raises(LimitReached, match="makes 100001 tasks, at most 1000"):
        expanded({"array": "0-99999"}, {"command": "x"})
    with pytest.raises(LimitReached):
        expanded(
            {"param_rows": [{"a": 1}] * 10_000, "params": {"b": list(range(1000))}, "array": "0-99999"}, most=10**9
        )


def test_a_name_with_values_in_rows_and_parameters_is_refused() -> None:
    assert mistake(params={"lr": [1]}, param_rows=[{"lr": 2}])["field"] == "params.lr"
    assert mistake(params={f"p{n}": [1] for n in range(20)}, param_rows=[{f"r{n}": 1 for n in range(20)}])["field"]


def test_two_limits_of_tasks_at_once_are_refused() -> None:
    assert mistake(array="0-3%2", max_parallel=2)["field"] == "max_parallel"


def test_where_one_task_is_made_a_sweep_is_refused() -> None:
    assert single(parse_task({"command": "x"})).sources == (0,)
    for sweep in ({"array": "0"}, {"params": {"a": 1}}, {"param_rows": [{"a": 1}]}):
        with pytest.raises(InvalidField, match="several tasks"):
            single(parse_task({"command": "x", **sweep}))


# --- names and other texts -------------------------------------------------------------------------------


def names(**task: Any) -> list[str | None]:
    return [one.name for one in made(**task)]


def test_a_name_without_templates_gets_a_suffix() -> None:
    assert names(name="train", array="2-3") == ["train[2]", "train[3]"]
    assert names(name="train", params={"lr": [".1"], "bs": [32]}) == ["train[lr=.1,bs=32]"]
    assert names(name="train", params={"lr": [".1"]}, array="7") == ["train[lr=.1,7]"]


def test_a_name_with_templates_is_filled() -> None:
    assert names(name="lr{lr}-{index}", params={"lr": [".1"]}, array="7") == ["lr.1-7"]


def test_a_task_without_a_name_stays_without_one() -> None:
    assert names(array="0") == [None]


def test_a_name_stays_printable_and_short() -> None:
    (long,) = names(name="t", params={"x": ["v" * 400]})
    assert long is not None
    assert len(long) == 200
    assert names(name="{x}", params={"x": ["a\nb"]}) == ["a b"]


def test_arguments_environment_and_log_take_values_as_they_are() -> None:
    value = "it's $(id) {bs}"
    (one,) = made(
        argv=["python", "{x}", "--y={x}"], env={"A": "<{x}>", "B": "{other}"}, log_path="logs/{x}.log",
        params={"x": [value], "bs": [1]},
    )  # fmt: skip
    assert one.argv == ("python", value, f"--y={value}")
    assert dict(one.env or {}) == {"A": f"<{value}>", "B": "{other}"}
    assert one.log_path == f"logs/{value}.log"


def test_a_script_gets_values_in_its_arguments_and_not_in_its_text() -> None:
    script = {"name": "run.sh", "content": "echo {x}", "args": ["{x}", ""]}
    parsed = parse_task({"script": script, "params": {"x": ["a b"]}})
    (one,) = expand([parsed], most=9).tasks
    assert one.script is not None
    assert (one.script.args, one.script.content) == (("a b", ""), b"echo {x}")


def test_tasks_share_an_environment_without_templates() -> None:
    first, second = made(env={"A": "1"}, array="0-1")
    assert first.env is second.env


@pytest.mark.parametrize(
    "text", ["{work_dir}", "${lr}", "\\{lr}", "{{lr}}", "{}", '{"a": 1}', "{ lr }", "{lr2}", "{LR}", "awk '{print $1}'"]
)
def test_other_braces_stay_as_they_are(text: str) -> None:
    assert lines(command=f"x {text}", params={"lr": ["9"]}) == [f"x {text}"]


def test_templates_inside_other_braces_are_filled() -> None:
    assert lines(command="""x '{"a": {"lr":{lr}}}'""", params={"lr": ["9"]}) == ["""x '{"a": {"lr":9}}'"""]


def test_an_index_without_an_array_is_no_template() -> None:
    assert lines(command="x {index}", params={"lr": ["9"]}) == ["x {index}"]


def test_a_log_that_several_tasks_would_write_is_refused() -> None:
    assert mistake(log_path="all.log", array="0-1")["field"] == "log_path"
    assert mistake(log_path="{a}.log", params={"a": [1], "b": [1, 2]})["field"] == "log_path"
    assert [one.log_path for one in made(log_path="{a}/{b}.log", params={"a": [1], "b": [1, 2]})] == [
        "1/1.log",
        "1/2.log",
    ]
    assert mistake(log_path="{a}", params={"a": ["x/"]})["field"] == "log_path"


@pytest.mark.parametrize(("path", "name"), [("{id}.log", "t"), ("{name}.log", "t-{index}"), ("{index:03}", "t")])
def test_what_the_engine_fills_in_makes_logs_of_their_own(path: str, name: str) -> None:
    assert [one.log_path for one in made(log_path=path, name=name, array="0-1")] == [path, path]


def test_a_name_that_several_tasks_have_makes_no_log_of_their_own() -> None:
    assert mistake(log_path="{name}.log", name="{a}", params={"a": [1]}, array="0-1")["field"] == "log_path"
    assert mistake(log_path="{name}.log", array="0-1")["field"] == "log_path"
    assert mistake(log_path="{name}.log", name="t", array="0-1")["field"] == "log_path"
    assert mistake(log_path="{name}.log", name="t[{index}]", array="0-1")["field"] == "log_path"
    assert mistake(log_path="{submission}.log", array="0-1")["field"] == "log_path"


# --- quoting ---------------------------------------------------------------------------------------------

_NASTY = [
    "a b",
    "it's",
    '"',
    "$HOME",
    "$(echo x)",
    "`echo x`",
    "\\",
    "\\\\",
    "a\nb",
    "*",
    "~",
    "!x",
    "#x",
    "",
    "; x",
    "-n",
]


def printed(line: str) -> str:
    bash = shutil.which("bash")
    assert bash
    done = subprocess.run([bash, "-c", line], cwd="/", capture_output=True, text=True, timeout=20)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize(
    "template",
    [
        "printf '%s|' {v}",
        'printf "%s|" "{v}"',
        "printf '%s|' '{v}'",
        "X=${HOME}; printf '%s|' {v}",
        """printf '%s|' "it's \\""'"'"{v}" | tail -c +8""",
        "cat <<< {v} | tr -d '\\n' | tr '\\001' '\\n'; printf '|'",
        'printf "%s|" "$HOME"/{v} | sed -z "s:^$HOME/::"',
    ],
)
def test_the_shell_sees_each_value_as_it_is(template: str) -> None:
    values = [value for value in _NASTY if "<<<" not in template or "\n" not in value]
    for line, value in zip(lines(command=template, params={"v": values}), values, strict=True):
        assert printed(line) == f"{value}|", line


@settings(max_examples=30)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_no_value_breaks_out_of_its_quotes(value: str) -> None:
    (line,) = lines(command="printf '%s|' {v} \"{v}\" '{v}'", params={"v": [value]})
    done = subprocess.run(["bash", "-c", line], capture_output=True, timeout=20)
    assert done.stdout.decode() == f"{value}|" * 3


def test_a_plain_value_is_not_quoted() -> None:
    assert lines(command="x --lr={v}", params={"v": ["1e-3", "a/b.c,d:e@f%g+h=i"]}) == [
        "x --lr=1e-3",
        "x --lr=a/b.c,d:e@f%g+h=i",
    ]


@pytest.mark.parametrize(
    "template",
    [
        'echo "$(echo {v})"',
        "echo `echo {v}`",
        'echo "`echo {v}`"',
        "echo $(({v}))",
        "echo $[{v}]",
        "(({v}))",
        "true # {v}",
        "#{v}",
        "cat <<END\n{v}\nEND",
        "cat<<-END\n{v}\nEND",
        "echo $'{v}'",
        'echo "${X:-{v}}"',
        "echo ${X:-{v}}",
        "echo $(true # it's\n); echo {v}",
    ],
)
def test_where_a_value_cannot_be_quoted_only_plain_ones_are_taken(template: str) -> None:
    found = mistake(command=template, params={"v": ["1", "$(id)"]})
    assert found["field"] == "command"
    assert "GAVELQ_PARAM_v" in found["hint"]
    assert lines(command=template, params={"v": ["1"]}) == [template.replace("{v}", "1")]


# --- bounds ----------------------------------------------------------------------------------------------


def test_a_line_that_becomes_too_long_is_refused() -> None:
    assert mistake(command="x " + "{v}" * 40, params={"v": ["y" * 4000]})["field"] == "command[0]"
    assert mistake(argv=["x", "{v}" * 40], params={"v": ["y" * 4000]})["field"] == "argv[1]"
    assert mistake(env={"A": "{v}" * 40}, params={"v": ["y" * 4000]})["field"] == "env.A"


@pytest.mark.parametrize(
    ("task", "field"),
    [
        ({"command": "x" * 100, "array": "0-5"}, "command"),
        ({"argv": ["x" * 100], "array": "0-5"}, "command"),
        ({"command": "x", "env": {"A": "{index}", "B": "x" * 200}, "array": "0-2"}, "env"),
    ],
)
def test_the_texts_of_all_sweeps_together_are_bounded(task: dict[str, Any], field: str) -> None:
    parsed = parse_tasks([task, task])
    assert expand(parsed, most=99, most_text=1300).tasks
    with pytest.raises(InvalidTasks) as caught:
        expand(parsed, most=99, most_text=1000)
    assert [(found["index"], found["field"]) for found in caught.value.details["mistakes"]] == [(1, field)]

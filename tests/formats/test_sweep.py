"""Arrays, parameters and rows as they are written: what they mean, and how a mistake is named."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.core.errors import InvalidField
from gavelq.formats.sweep import MAX_TASKS, Array, array, param_rows, params


@pytest.mark.parametrize(
    ("written", "indices", "max_parallel"),
    [
        ("0-3", (0, 1, 2, 3), None),
        ("1,3,5", (1, 3, 5), None),
        ("0-20:5", (0, 5, 10, 15, 20), None),
        ("0-9%2", tuple(range(10)), 2),
        ("7, 1-2 , 30-31%1", (7, 1, 2, 30, 31), 1),
        (7, (7,), None),
        ([3, 1], (3, 1), None),
    ],
)
def test_an_array_is_indices_and_ranges_in_the_order_written(
    written: object, indices: tuple[int, ...], max_parallel: int | None
) -> None:
    assert array(written, "array") == Array(indices=indices, max_parallel=max_parallel)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "no index"),
        ("%2", "no index"),
        ("1-", "in '1-'"),
        ("-3", "in '-3'"),
        ("1,,2", "''"),
        ("a-b", "'a'"),
        ("5-1", "ends before it begins"),
        ("0-9:0", "step 0"),
        ("5:2", "a step but no range"),
        ("0-9%0", "%0"),
        ("0-9%", "''"),
        ("3,1-4", "index 3 stands there twice"),
        ("0-100000", "100001 indices"),
        ("0-999999999", "1000000000 indices"),
        ("0-99999,200000", f"more than {MAX_TASKS}"),
        ("1234567890", "not a number from 0"),
        ("٣", "not a number from 0"),
        (10**40, "not a number from 0"),
        (-1, "''"),
        (True, "not a list of indices"),
        (None, "not a list of indices"),
        ([1.5], "whole numbers"),
        ([0, "1"], "whole numbers"),
        ({}, "not a list of indices"),
    ],
)
def test_a_wrong_array_is_refused_with_what_is_wrong(written: object, told: str) -> None:
    with pytest.raises(InvalidField) as caught:
        array(written, "array")
    assert caught.value.details["field"] == "array"
    assert told in caught.value.message
    assert caught.value.hint


@given(st.text(alphabet="0123456789-,:% a", max_size=20))
def test_any_text_is_an_array_or_a_named_mistake(written: str) -> None:
    try:
        found = array(written, "array")
    except InvalidField:
        return
    assert found.indices
    assert len(set(found.indices)) == len(found.indices)


def test_parameters_keep_their_order_and_numbers_become_text() -> None:
    found = params({"lr": [0.1, "1e-2"], "bs": 32}, "params")
    assert list(found.items()) == [("lr", ("0.1", "1e-2")), ("bs", ("32",))]


@pytest.mark.parametrize(
    ("written", "field", "told"),
    [
        ({}, "params", "names and values"),
        (["lr"], "params", "names and values"),
        ({"lr": []}, "params.lr", "no value"),
        ({"1a": [1]}, "params", "'1a' is not a parameter's name"),
        ({"a-b": [1]}, "params", "'a-b' is not a parameter's name"),
        ({"é": [1]}, "params", "not a parameter's name"),
        ({7: [1]}, "params", "not a parameter's name"),
        ({"index": [1]}, "params", "index is the index of an array"),
        ({"lr": [1, "1"]}, "params.lr", "'1' stands there twice"),
        ({"lr": [True]}, "params.lr", "not a text or a number"),
        ({"lr": [None]}, "params.lr", "not a text or a number"),
        ({"lr": ["a\0b"]}, "params.lr", "NUL"),
        ({"lr": ["\ud800"]}, "params.lr", "not UTF-8"),
        ({"lr": ["x" * 5000]}, "params.lr", "5000 bytes"),
        ({f"p{n}": [1] for n in range(33)}, "params", "33 names"),
        ({"a": list(range(1000)), "b": list(range(1000))}, "params", "1000000 tasks"),
    ],
)
def test_wrong_parameters_are_refused_by_name(written: object, field: str, told: str) -> None:
    with pytest.raises(InvalidField) as caught:
        params(written, "params")
    assert caught.value.details["field"] == field
    assert told in caught.value.message
    assert caught.value.hint


def test_rows_have_the_names_of_the_first_in_its_order() -> None:
    found = param_rows([{"lr": 0.1, "bs": 1}, {"bs": 2, "lr": "x"}, {"bs": 2, "lr": "x"}], "param_rows")
    assert [list(row.items()) for row in found] == [
        [("lr", "0.1"), ("bs", "1")],
        [("lr", "x"), ("bs", "2")],
        [("lr", "x"), ("bs", "2")],
    ]


@pytest.mark.parametrize(
    ("written", "field", "told"),
    [
        ([], "param_rows", "not a list of objects"),
        ({"a": 1}, "param_rows", "not a list of objects"),
        ([1], "param_rows[0]", "not an object"),
        ([{}], "param_rows[0]", "not an object"),
        ([{"a": 1}, {"b": 1}], "param_rows[1]", "'a' is missing"),
        ([{"a": 1}, {"a": 1, "b": 1}], "param_rows[1]", "'b' is not in the rows above"),
        ([{"a": 1}, {"a": None}], "param_rows[1].a", "not a text or a number"),
        ([{"a b": 1}], "param_rows[0]", "not a parameter's name"),
        ([{"a": 1}] * (MAX_TASKS + 1), "param_rows", f"{MAX_TASKS + 1} rows"),
    ],
)
def test_wrong_rows_are_refused_with_their_place(written: Any, field: str, told: str) -> None:
    with pytest.raises(InvalidField) as caught:
        param_rows(written, "param_rows")
    assert caught.value.details["field"] == field
    assert told in caught.value.message

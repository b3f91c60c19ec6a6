"""The `gpus:` section."""

from pathlib import Path
from typing import Any

import pytest

from gavelq.config import load
from gavelq.core.card_config import CardConfig
from gavelq.core.errors import InvalidFile


def cards(tmp_path: Path, text: str) -> dict[str, CardConfig]:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    return dict(load(str(path), {}).cards)


def mistakes(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    with pytest.raises(InvalidFile) as caught:
        cards(tmp_path, text)
    found: list[dict[str, Any]] = caught.value.details["mistakes"]
    return found


def test_a_mapping_describes_cards_by_index_and_uuid(tmp_path: Path) -> None:
    found = cards(
        tmp_path, "gpus:\n  0: {label: left, keep_free: 2}\n  0:1: {queue: big}\n  GPU-1-2:\n    ignored: yes\n"
    )
    assert set(found) == {"0", "0:1", "GPU-1-2"}
    assert (found["0"].label, found["0"].keep_free) == ("left", 2048)
    assert found["0:1"].queue == "big"
    assert found["GPU-1-2"].ignored


def test_a_list_says_the_same(tmp_path: Path) -> None:
    as_list = cards(tmp_path, "gpus:\n- index: 0\n  label: left\n- {uuid: GPU-1, keep_free: 512M}\n")
    as_mapping = cards(tmp_path, "gpus: {0: {label: left}, GPU-1: {keep_free: 0.5}}\n")
    assert as_list == as_mapping


def test_the_entry_changes_exactly_when_its_meaning_does(tmp_path: Path) -> None:
    first = cards(tmp_path, "gpus: {0: {label: a, keep_free: 1G}}")["0"]
    same = cards(tmp_path, "gpus:\n  0:\n    keep_free: 1024M\n    label: 'a'\n")["0"]
    other = cards(tmp_path, "gpus: {0: {label: b, keep_free: 1G}}")["0"]
    explicit = cards(tmp_path, "gpus: {0: {label: a, keep_free: 1G, ignored: false}}")["0"]
    assert first.entry == same.entry == '{"keep_free":1024,"label":"a"}'
    assert len({first.entry, other.entry, explicit.entry}) == 3


@pytest.mark.parametrize("text", ["gpus:\n", "gpus: {}\n", "gpus: []\n"])
def test_no_entries_are_fine(tmp_path: Path, text: str) -> None:
    assert cards(tmp_path, text) == {}


@pytest.mark.parametrize(
    ("text", "line", "field"),
    [
        ("gpus:\n  0: {lable: x}\n", 2, "gpus.0.lable"),
        ("gpus:\n  first: {label: x}\n", 2, "gpus.first"),
        ("gpus:\n  -1: {label: x}\n", 2, "gpus.-1"),
        ("gpus:\n  0: 3\n", 2, "gpus.0"),
        ("gpus: 3\n", 1, "gpus"),
        ("gpus:\n- label: x\n", 2, "gpus"),
        ("gpus:\n- {index: 0, uuid: GPU-1}\n", 2, "gpus"),
        ("gpus:\n- index: 0\n- index: 0\n", 3, "gpus.0"),
        ("gpus:\n- 7\n", 2, "gpus"),
        ("gpus:\n  0:\n    keep_free: lots\n", 3, "gpus.0.keep_free"),
        ("gpus:\n  0:\n    queue: a b\n", 3, "gpus.0.queue"),
        ("gpus:\n  0:\n    queue: ..\n", 3, "gpus.0.queue"),
        ("gpus:\n  0:\n    label: [1]\n", 3, "gpus.0.label"),
        ("gpus:\n  0:\n    ignored: maybe\n", 3, "gpus.0.ignored"),
    ],
)
def test_mistakes_have_their_line_and_field(tmp_path: Path, text: str, line: int, field: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert (found["line"], found["field"]) == (line, field)


def test_a_misspelt_field_gets_a_suggestion(tmp_path: Path) -> None:
    assert mistakes(tmp_path, "gpus: {0: {lable: x}}")[0]["hint"] == "did you mean label?"

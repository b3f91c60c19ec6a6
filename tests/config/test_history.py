"""The history of the configuration, and undoing: every change is noted, and no later one is trampled on."""

import json
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gavelq.config.edit import (
    Author,
    Terms,
    change_file,
    put_values,
    replace_text,
    set_value,
    undo,
    unset_value,
    version_of,
    written_values,
)
from gavelq.config.history import ABSENT, Change, History, SettingChange
from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.errors import InvalidField, InvalidFile, NotFound, StoreUnavailable, WrongState

COMMENTED = """\
# my machine
rules:  # ours
  max_gpu: 3  # one is for guests
  # the night shift
  gpu_left: 1

settle_s: 2m  # calm
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "config.yaml"
    file.write_text(COMMENTED)
    return file


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(str(tmp_path / "state"))


def by(history: History, how: str = "set", name: str = "ann") -> Author:
    return Author(history=history, by=name, how=how)


def story(history: History, path: Path) -> list[tuple[int, str, str, list[tuple[str, object, object]]]]:
    changes, n_bad = history.changes(str(path))
    assert n_bad == 0
    return [(c.number, c.by, c.how, [(s.name, s.old, s.new) for s in c.settings]) for c in changes]


def test_every_change_is_noted_with_who_and_values_as_written(path: Path, history: History) -> None:
    set_value(str(path), "rules.max_gpu", "none", by(history))
    set_value(str(path), "settle_s", "3", by(history, name="bob"))
    unset_value(str(path), "rules.gpu_left", by(history, "unset"))
    put_values(str(path), {"log.level": "debug", "rules.compete_gpus": "0,1"}, by(history, "api"), unset=["settle_s"])
    *single, (number, who, how, several) = story(history, path)
    assert single == [
        (1, "ann", "set", [("rules.max_gpu", 3, None)]),
        (2, "bob", "set", [("settle_s", "2m", 3)]),
        (3, "ann", "unset", [("rules.gpu_left", 1, ABSENT)]),
    ]
    assert (number, who, how) == (4, "ann", "api")
    assert {name: (old, new) for name, old, new in several} == {
        "settle_s": (3, ABSENT), "log.level": (ABSENT, "debug"), "rules.compete_gpus": (ABSENT, [0, 1]),
    }  # fmt: skip


def test_what_changes_nothing_or_is_refused_is_not_noted(path: Path, history: History) -> None:
    set_value(str(path), "rules.max_gpu", 3, by(history))
    assert not unset_value(str(path), "log.level", by(history))
    assert put_values(str(path), {"rules.gpu_left": 1}, by(history)) is None
    for wrong in ({"rules.max_gpu": -1}, {"rules.nonsense": 1}):
        with pytest.raises(InvalidField):
            put_values(str(path), wrong, by(history))
    with pytest.raises(InvalidFile, match="reached from other machines"):
        set_value(str(path), "http.listen", "0.0.0.0:80", by(history))
    assert story(history, path) == []
    assert path.read_text() == COMMENTED


def test_all_mistakes_of_several_values_are_told_at_once_and_nothing_is_changed(path: Path, history: History) -> None:
    values = {"rules.max_gpu": "many", "rules.min_gpu": 1, "rules.maxgpu": 2, "rules.on_failure": "cry"}
    with pytest.raises(InvalidField, match="3 settings are wrong") as told:
        put_values(str(path), values, by(history))
    assert [one["field"] for one in told.value.details["mistakes"]] == [
        "rules.max_gpu", "rules.maxgpu", "rules.on_failure",
    ]  # fmt: skip
    assert all(one["hint"] for one in told.value.details["mistakes"])
    assert path.read_text() == COMMENTED


def test_undoing_restores_value_and_comments_and_is_a_change_itself(path: Path, history: History) -> None:
    set_value(str(path), "rules.gpu_left", 2, by(history))
    set_value(str(path), "settle_s", 5, by(history))
    done = undo(str(path), None, by(history, "undo", "bob"))
    assert (done.number, done.by, done.how, done.undoes) == (3, "bob", "undo", 2)
    assert "settle_s: 2m # calm" in path.read_text().replace("  #", " #")
    assert undo(str(path), None, by(history, "undo")).undoes == 1
    # The column of a comment may move with the length of the value.
    assert path.read_text().replace("  #", " #") == COMMENTED.replace("  #", " #")
    with pytest.raises(NotFound, match="no change that could be undone"):
        undo(str(path), None, by(history, "undo"))


def test_undoing_takes_out_what_was_not_there(path: Path, history: History) -> None:
    set_value(str(path), "log.level", "debug", by(history))
    undo(str(path), 1, by(history, "undo"))
    assert path.read_text() == COMMENTED


def test_an_undoing_can_be_undone_by_its_number(path: Path, history: History) -> None:
    set_value(str(path), "rules.gpu_left", 2, by(history))
    set_value(str(path), "rules.gpu_left", 4, by(history))
    undo(str(path), None, by(history, "undo"))
    undo(str(path), None, by(history, "undo"))
    assert written_values(path.read_text(), "x")["rules.gpu_left"] == 1
    with pytest.raises(WrongState, match="change 3 is overtaken"):
        undo(str(path), 3, by(history, "undo"))
    undo(str(path), 4, by(history, "undo"))
    assert written_values(path.read_text(), "x")["rules.gpu_left"] == 2, "change 1 stands again"
    assert undo(str(path), None, by(history, "undo")).undoes == 1


def test_a_change_that_was_overtaken_is_not_undone(path: Path, history: History) -> None:
    put_values(str(path), {"rules.gpu_left": 2, "rules.min_gpu": 1}, by(history))
    set_value(str(path), "rules.max_gpu", 5, by(history))
    set_value(str(path), "rules.min_gpu", 2, by(history))
    with pytest.raises(WrongState, match=r"change 3 changed rules\.min_gpu again since"):
        undo(str(path), 1, by(history, "undo"))
    undo(str(path), 2, by(history, "undo"))
    with pytest.raises(WrongState, match="change 4 took it back"):
        undo(str(path), 2, by(history, "undo"))
    with pytest.raises(NotFound, match="no change 99"):
        undo(str(path), 99, by(history, "undo"))


def test_the_last_change_is_undone_even_after_an_edit_by_hand(path: Path, history: History) -> None:
    set_value(str(path), "rules.gpu_left", 2, by(history))
    path.write_text(path.read_text().replace("gpu_left: 2", "gpu_left: 7"))
    done = undo(str(path), 1, by(history, "undo"))
    assert [(one.old, one.new) for one in done.settings] == [(7, 1)], "what the hand wrote is kept in the history"
    set_value(str(path), "rules.gpu_left", 2, by(history))
    path.write_text(path.read_text().replace("gpu_left: 2", "gpu_left: 1"))
    assert undo(str(path), 3, by(history, "undo")).undoes == 3, "there is nothing to write, and it is noted"


def test_undoing_refuses_what_would_be_a_mistake_now(path: Path, history: History) -> None:
    path.write_text("http:\n  listen: 0.0.0.0:8080\n  allow_remote: true\n")
    put_values(str(path), {"http.listen": "127.0.0.1:8080"}, by(history))
    path.write_text("http:\n  listen: 127.0.0.1:8080\n")
    with pytest.raises(InvalidFile, match="reached from other machines"):
        undo(str(path), 1, by(history, "undo"))
    assert [number for number, *_ in story(history, path)] == [1]


def test_a_whole_text_is_noted_setting_by_setting_and_undone_at_once(path: Path, history: History) -> None:
    after = COMMENTED.replace("max_gpu: 3", "max_gpu: 2").replace("2m", "120") + "gpus:\n  0: {label: left}\n"
    made = replace_text(str(path), after, by(history, "edit"), terms=Terms(versions=[version_of(COMMENTED)], env={}))
    assert made is not None
    assert {one.name: (one.old, one.new) for one in made.settings} == {
        "rules.max_gpu": (3, 2), "settle_s": ("2m", 120), "gpus": (ABSENT, {"0": {"label": "left"}}),
    }  # fmt: skip
    assert path.read_text() == after
    undo(str(path), None, by(history, "undo"))
    assert written_values(path.read_text(), "x") == written_values(COMMENTED, "x")
    undo(str(path), 2, by(history, "undo"))
    assert written_values(path.read_text(), "x") == written_values(after, "x")
    assert replace_text(str(path), "# only a comment\n" + path.read_text(), by(history), terms=Terms(env={})) is None


def test_what_replaced_an_unreadable_file_is_noted_and_cannot_be_undone(path: Path, history: History) -> None:
    path.write_text("rules: {max_gpu: 3\n")
    replace_text(str(path), "settle_s: 3\n", by(history, "edit"), terms=Terms(env={}))
    assert story(history, path) == [(1, "ann", "edit", [])]
    with pytest.raises(WrongState, match="could not be read before"):
        undo(str(path), 1, by(history, "undo"))


def test_a_change_made_for_another_version_is_refused(path: Path, history: History) -> None:
    seen = version_of(COMMENTED)
    set_value(str(path), "rules.gpu_left", 2, by(history, name="bob"))
    with pytest.raises(ChangedMeanwhile) as told:
        put_values(str(path), {"rules.max_gpu": 1}, by(history), terms=Terms(versions=[seen]))
    assert told.value.http_status == 412
    assert len(story(history, path)) == 1
    put_values(str(path), {"rules.max_gpu": 1}, by(history), terms=Terms(versions=[version_of(path.read_text())]))
    missing = path.with_name("none.yaml")
    put_values(str(missing), {"rules.max_gpu": 1}, by(history), terms=Terms(versions=[version_of(None)]))
    assert version_of(missing.read_text()) != version_of(None)


def test_what_could_not_be_read_again_is_not_written(path: Path, history: History) -> None:
    with pytest.raises(InvalidFile, match="more than 1048576 bytes"):
        set_value(str(path), "submit.secret_patterns", ["x" * (1 << 20)], by(history))
    with pytest.raises(InvalidField, match="not UTF-8 text"):
        set_value(str(path), "rules.work_dir", "/data/\udc80", by(history))
    assert path.read_text() == COMMENTED


def test_terms_with_an_environment_refuse_a_file_that_is_wrong_elsewhere(path: Path, history: History) -> None:
    path.write_text("settle_s: soon\n")
    set_value(str(path), "rules.max_gpu", 1, by(history))
    with pytest.raises(InvalidFile, match="settle_s"):
        put_values(str(path), {"rules.max_gpu": 2}, by(history), terms=Terms(env={}))
    put_values(str(path), {"settle_s": 2}, by(history), terms=Terms(env={}))


def test_each_configuration_file_has_its_own_story(path: Path, history: History, tmp_path: Path) -> None:
    other, link = tmp_path / "other.yaml", tmp_path / "link.yaml"
    link.symlink_to(path)
    set_value(str(link), "rules.max_gpu", 1, by(history))
    set_value(str(other), "rules.max_gpu", 2, by(history))
    assert [number for number, *_ in story(history, path)] == [1]
    assert [number for number, *_ in story(history, other)] == [2]
    with pytest.raises(NotFound):
        undo(str(other), 1, by(history, "undo"))


def test_the_history_is_private(path: Path, history: History, tmp_path: Path) -> None:
    set_value(str(path), "rules.max_gpu", 1, by(history))
    state = tmp_path / "state"
    assert stat.S_IMODE(state.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in state.iterdir()} == {0o600}


@pytest.mark.parametrize(
    "torn",
    [
        b'{"number":2,"at":"20', b"[1,2]\n", b'{"number":"x"}\n', b"\xff\xfe\n", b"null\n",
        b'{"number":2,"at":"a","by":"b","how":"c","path":"d","settings":{"a":1}}\n',
    ],
)  # fmt: skip
def test_a_line_that_a_crash_cut_off_is_passed_over(path: Path, history: History, tmp_path: Path, torn: bytes) -> None:
    set_value(str(path), "rules.max_gpu", 1, by(history))
    with open(tmp_path / "state" / "config-history.jsonl", "ab") as file:
        file.write(torn)
    assert [change.number for change in history.changes()[0]] == [1]
    assert history.changes()[1] == 1
    set_value(str(path), "rules.max_gpu", 2, by(history))
    changes, n_bad = history.changes()
    assert ([change.number for change in changes], n_bad) == ([1, 2], 1)


def test_the_oldest_go_and_numbers_are_never_given_twice(path: Path, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    history = History(state, max_changes=3)
    for value in range(5):
        set_value(str(path), "rules.gpu_left", value + 10, by(history))
    assert [number for number, *_ in story(history, path)] == [3, 4, 5]
    undo(str(path), None, by(history, "undo"))
    assert [number for number, *_ in story(history, path)] == [4, 5, 6]
    history = History(state, max_bytes=10)
    set_value(str(path), "rules.gpu_left", 99, by(history))
    assert [number for number, *_ in story(history, path)] == [7], "the newest always stays"


def test_nothing_is_changed_that_cannot_be_noted(path: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "config-history.jsonl").mkdir()
    with pytest.raises(StoreUnavailable, match="nothing was changed"):
        set_value(str(path), "rules.max_gpu", 1, by(History(str(tmp_path / "state"))))
    assert path.read_text() == COMMENTED
    new = tmp_path / "new.yaml"
    with pytest.raises(StoreUnavailable):
        set_value(str(new), "rules.max_gpu", 1, by(History(str(tmp_path / "state"))))
    assert not new.exists()


def test_a_link_in_the_place_of_the_history_is_not_followed(path: Path, tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "victim").write_text("precious\n")
    (tmp_path / "state" / "config-history.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(StoreUnavailable):
        set_value(str(path), "rules.max_gpu", 1, by(History(str(tmp_path / "state"))))
    assert (tmp_path / "victim").read_text() == "precious\n"


def _add(path: str, state: str, n: int) -> None:
    author = Author(history=History(state), by=f"writer-{n}", how="set")
    for _ in range(10):

        def one_more(root: dict[str, int]) -> None:
            root["settle_s"] = int(root.get("settle_s", 0)) + 1

        change_file(path, one_more, author)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    file, state = tmp_path / "config.yaml", tmp_path / "state"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_add, args=(str(file), str(state), n)) for n in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    assert file.read_text() == "settle_s: 30\n"
    changes, n_bad = History(str(state)).changes()
    assert (n_bad, [change.number for change in changes]) == (0, list(range(1, 31)))
    assert [one.new for change in changes for one in change.settings] == list(range(1, 31))


def test_a_writer_that_holds_the_lock_for_long_is_told_of(path: Path, history: History, tmp_path: Path) -> None:
    hasty = by(History(str(tmp_path / "state"), lock_wait_s=0.05))
    with history.locked(), pytest.raises(StoreUnavailable, match="another program"):
        set_value(str(path), "rules.max_gpu", 1, hasty)
    set_value(str(path), "rules.max_gpu", 1, by(history))


def test_changes_are_shown_with_defaults_told_apart_from_none() -> None:
    change = Change(
        number=1, at="t", by="ann", how="set", path="/x",
        settings=(SettingChange(name="a", old=None, new=ABSENT), SettingChange(name="b", old=ABSENT, new=[0])),
    )  # fmt: skip
    shown = change.as_json()
    assert shown["settings"] == [
        {"name": "a", "old": None, "new": None, "was_default": False, "is_default": True},
        {"name": "b", "old": None, "new": [0], "was_default": True, "is_default": False},
    ]
    json.dumps(shown)


NAMES = ["rules.gpu_left", "rules.min_gpu", "settle_s"]
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), st.integers(0, 3))),
        st.integers(0, 12),  # undo that number; 0: the last one
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_undoing_brings_back_exactly_what_the_change_replaced(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int | None] | int]
) -> None:
    place = tmp_path_factory.mktemp("walk")
    file, history = str(place / "config.yaml"), History(str(place / "state"))
    before: dict[int, dict[str, object]] = {}

    def values() -> dict[str, object]:
        return written_values(Path(file).read_text(), file) if os.path.exists(file) else {}

    for step in steps:
        was, n_before = values(), len(history.changes()[0])
        if isinstance(step, int):
            try:
                done = undo(file, step or None, by(history, "undo"))
            except (NotFound, WrongState):
                assert values() == was
                continue
            assert done.undoes is not None
            for one in done.settings:
                assert values().get(one.name, ABSENT) == before[done.undoes].get(one.name, ABSENT)
            others = {one.name for one in done.settings}
            assert {k: v for k, v in values().items() if k not in others} == {
                k: v for k, v in was.items() if k not in others
            }
        else:
            name, value = step
            put_values(file, {} if value is None else {name: value}, by(history), unset=[name] if value is None else [])
        after = history.changes()[0]
        if len(after) > n_before:
            before[after[-1].number] = was
    while True:
        try:
            undo(file, None, by(history, "undo"))
        except NotFound:
            break
    assert values() == {}, "undoing everything that stands leads back to the beginning"

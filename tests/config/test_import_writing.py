"""What an import writes: exactly what it told, at once, and nothing the second time."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.config import BY_NAME, check
from gavelq.config.edit import Author
from gavelq.config.history import History
from gavelq.config.importing import DESIGNS, plan
from gavelq.core.errors import GavelqError, InvalidField, InvalidFile

SAMPLES = sorted((Path(__file__).parent / "samples").iterdir())
COMMENTED = """\
# our machine
log:  # the daemon's
  level: debug  # while we look for something
  max_mb: 77
limits.max_running: 5

rules: {gpu_left: 2}
gpus:
  0: {label: old name, queue: running}  # the first
# the end
"""
AS_JSON = json.dumps({"// log": "a comment", "log": {"level": "debug"}, "gpus": [{"index": 0, "label": "old name"}]})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("before", [None, COMMENTED, AS_JSON], ids=["new", "commented", "json"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.name))
def test_what_was_told_is_what_the_configuration_says_then(path: Path, before: str | None, config: Path) -> None:
    if before is not None:
        config.write_text(before)
    found = plan(str(path), path.read_text(), str(config))
    found.try_to_write()
    assert (config.read_text() if config.exists() else None) == before
    found.write()
    loaded, mistakes = check(str(config), config.read_text(), {})
    assert mistakes == []
    for name, value in found.settings.items():
        assert BY_NAME[name].kind.plain(loaded.value(name)) == value
        assert loaded.source(name).startswith("file:")
    for card, fields in found.cards.items():
        entry = json.loads(loaded.cards[card].entry)
        assert {key for key in fields if key in entry} == set(fields)
    old = check(str(config), before, {})[0].sources if before else {}
    assert set(loaded.sources) == set(found.settings) | set(old)


@pytest.mark.parametrize("before", [None, COMMENTED, AS_JSON], ids=["new", "commented", "json"])
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: str(path.name))
def test_a_second_import_changes_nothing(path: Path, before: str | None, config: Path) -> None:
    if before is not None:
        config.write_text(before)
    plan(str(path), path.read_text(), str(config)).write()
    after, stamp = config.read_text(), config.stat().st_mtime_ns
    again = plan(str(path), path.read_text(), str(config))
    assert not again.changes_anything
    assert all(finding.is_so_already for finding in again.findings if finding.setting)
    again.write()
    assert (config.read_text(), config.stat().st_mtime_ns) == (after, stamp)


def test_comments_and_what_the_import_says_nothing_about_stay(config: Path) -> None:
    config.write_text(COMMENTED)
    text = "check_interval: 2\nlog_level: warn\nmax_concurrent_tasks: 5\n"
    found = plan("old.yaml", text, str(config))
    assert found.changes == {"gpu.sample_interval_s": 2, "log.level": "warning"}
    found.write()
    written = config.read_text()
    for kept in (
        "# our machine",
        "# the daemon's",
        "# while we",
        "max_mb: 77",
        "limits.max_running: 5",
        "# the first",
        "# the end",
    ):
        assert kept in written
    assert check(str(config), written, {})[0].log.level == "warning"


def test_what_is_overwritten_is_named_with_its_line(config: Path) -> None:
    config.write_text(COMMENTED)
    text = "gpu: {devices: [{id: 0, name: new name}]}\nsystem: {log_level: info}\nscheduler: {preemptive: true}\n"
    found = {one.setting: one for one in plan("old.yaml", text, str(config)).findings if one.setting}
    assert (found["log.level"].replaces, found["log.level"].replaces_line) == ("debug", 3)
    assert (found["gpus.0.label"].replaces, found["gpus.0.label"].replaces_line) == ("old name", 9)
    assert found["preemption.enabled"].replaces_line == 0


@pytest.mark.parametrize("before", ["gpus:\n  '0': {queue: running}\n", "gpus:\n  - index: 0\n    queue: running\n"])
def test_a_card_is_found_however_it_is_written(before: str, config: Path) -> None:
    config.write_text(before)
    plan("old.yaml", "gpu: {devices: [{id: 0, name: a}, {id: 1, name: b}]}\n", str(config)).write()
    loaded, mistakes = check(str(config), config.read_text(), {})
    assert mistakes == []
    assert [(card.label, card.queue) for card in loaded.cards.values()] == [("a", "running"), ("b", None)]


def test_an_import_is_one_change_in_the_history(config: Path, tmp_path: Path) -> None:
    history = History(str(tmp_path / "state"))
    found = plan("old.yaml", "check_interval: 2\nlog_level: warn\n", str(config))
    found.write(Author(history=history, by="ada", how="import"))
    changes, _ = history.changes()
    assert [(change.how, sorted(one.name for one in change.settings)) for change in changes] == [
        ("import", ["gpu.sample_interval_s", "log.level"])
    ]


def test_a_configuration_that_cannot_be_parsed_is_left_alone(config: Path) -> None:
    config.write_text("log: [\n")
    with pytest.raises(InvalidFile, match=r"config\.yaml:2"):
        plan("old.yaml", "check_interval: 2\n", str(config))


def test_a_card_that_is_no_mapping_there_is_told_before_anything_is_written(config: Path) -> None:
    config.write_text("gpus: {0: 5}\n")
    found = plan("old.yaml", "gpu: {devices: [{id: 0, name: a}]}\nsystem: {log_level: debug}\n", str(config))
    for attempt in (found.try_to_write, found.write):
        with pytest.raises(InvalidField, match=r"gpus\.0"):
            attempt()
    assert config.read_text() == "gpus: {0: 5}\n"


KEYS = st.sampled_from(
    sorted({name for design in DESIGNS.values() for name in design.rules} | {"x", "rules", "gpu", "log", "system"})
) | st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**12) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "-1", "/tmp/x", "0.0.0.0", "info", "2h", "all", "s3cret"]) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


def leaves(value: Any, at: str = "") -> list[str]:
    """The keys of all values that stand in mappings alone; comment keys (`//`) left out."""
    if not isinstance(value, dict) or not value:
        return [at]
    inner = ((f"{at}.{key}" if at else key, part) for key, part in value.items() if not key.startswith("//"))
    return [leaf for key, part in inner for leaf in leaves(part, key)]


@given(root=st.dictionaries(KEYS, VALUES, min_size=1, max_size=5), design=st.sampled_from(list(DESIGNS)))
def test_whatever_a_file_holds_is_told_and_what_is_taken_loads(root: dict[str, Any], design: str) -> None:
    text = json.dumps(root, ensure_ascii=False, indent=1)
    try:
        found = plan("old.json", text, "/no/config.yaml", design)
    except InvalidFile:
        return
    told = {finding.key for finding in found.findings}
    for key in filter(None, leaves(root)):
        assert any(one == key or one.startswith((f"{key}[", f"{key}.")) for one in told), key
    try:
        found.try_to_write()
    except GavelqError as error:
        raise AssertionError(f"{error}\n{found.settings}") from error

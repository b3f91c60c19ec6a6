"""The table of settings agrees with the attributes, the documentation and the examples."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import pytest

from gavelq.config import SETTINGS, Config, Setting, differences, load
from gavelq.config.document import FILES, stale
from gavelq.config.kinds import Words
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidField

ROOT = Path(__file__).parents[2]


def attributes() -> dict[str, object]:
    found: dict[str, object] = {}
    for name, hint in get_type_hints(Config).items():
        if is_dataclass(hint):
            assert isinstance(hint, type)
            hints = get_type_hints(hint)
            found.update((f"{name}.{field.name}", hints[field.name]) for field in fields(hint))
        elif name not in ("path", "cards", "sources"):
            found[name] = hint
    return found


@pytest.mark.parametrize("name", ["alerts.gpu_fault", "alerts.violation"])
def test_a_rule_without_a_threshold_says_what_it_takes(name: str) -> None:
    kind = BY_NAME[name].kind
    with pytest.raises(InvalidField) as caught:
        kind.parse("3 for 5m", field=name)
    assert caught.value.hint == "write `on`, `on for 5m`, or `off`"
    assert kind.parse("on for 5m", field=name) is not None


def test_the_table_and_the_attributes_name_the_same_settings() -> None:
    assert sorted(attributes()) == sorted(BY_NAME)
    assert len(SETTINGS) == len(BY_NAME)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_default_has_the_type_that_its_attribute_promises(setting: Setting) -> None:
    hint = attributes()[setting.name]
    value = load("/nonexistent/config.yaml", {}).value(setting.name)
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    kinds = tuple(get_origin(part) or getattr(part, "__supertype__", part) for part in parts)
    assert any(isinstance(value, kind) for kind in kinds), (value, kinds)
    assert not (isinstance(value, int) and not isinstance(value, bool) and kinds == (bool,))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_what_is_written_back_reads_as_the_same_value(setting: Setting) -> None:
    value = setting.kind.parse(setting.default, field=setting.name)
    assert setting.kind.parse(setting.kind.plain(value), field=setting.name) == value
    assert setting.kind.plain(value) == setting.default


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_has_a_sentence_and_an_environment_variable_of_its_own(setting: Setting) -> None:
    assert setting.help.endswith(".")
    assert [other.name for other in SETTINGS if other.env == setting.env] == [setting.name]


def test_generated_pages_and_examples_are_fresh() -> None:
    assert stale(str(ROOT)) == [], "run scripts/docs"


@pytest.mark.parametrize("name", ["configs/example.yaml", "configs/example.json"])
def test_the_examples_load_and_hold_every_setting(name: str) -> None:
    config = load(str(ROOT / name), {})
    assert {setting.name: config.value(setting.name) for setting in SETTINGS} == {
        setting.name: load("/nonexistent/config.yaml", {}).value(setting.name) for setting in SETTINGS
    }
    assert [s.name for s in SETTINGS if not config.source(s.name).startswith("file:")] == []


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_pages_explain_every_setting(name: str) -> None:
    text = FILES[name]().replace("\n", " ").replace("# ", "")
    words = " ".join(text.split())
    assert [setting.name for setting in SETTINGS if setting.help.replace('"', '\\"') not in words] == []


def test_differences_name_what_changed_and_what_needs_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    old = load(str(path), {})
    assert differences(old, old) == ((), ())
    path.write_text("settle_s: 3\ngpu.provider: simulated\ngpus: {0: {label: x}}\n")
    assert differences(old, load(str(path), {})) == (("gpu.provider", "settle_s", "gpus"), ("gpu.provider",))


def test_rows_show_every_setting_with_its_source(tmp_path: Path) -> None:
    rows = load(str(tmp_path / "none"), {"GAVELQ_GPU_SIMULATED_MEMORY": "12288M"}).rows()
    assert [row["name"] for row in rows] == [setting.name for setting in SETTINGS]
    (row,) = [row for row in rows if row["name"] == "gpu.simulated_memory"]
    assert (row["value"], row["source"], row["default"]) == ("12G", "env", "24G")


@pytest.mark.parametrize("written", [0, "0", "0G", True])
def test_a_simulated_card_has_some_memory(written: object) -> None:
    with pytest.raises(InvalidField, match="above 0"):
        BY_NAME["gpu.simulated_memory"].kind.parse(written, field="gpu.simulated_memory")
    assert BY_NAME["gpu.simulated_memory"].kind.parse("1M", field="gpu.simulated_memory") == 1


def test_unknown_names_are_key_errors() -> None:
    config = load("/nonexistent/config.yaml", {})
    for ask in (config.value, config.source):
        with pytest.raises(KeyError):
            ask("gpu.nonsense")


@pytest.mark.parametrize("written", [[3, 2], "[3, 2]", "3, 2", ["3", "2"]])
def test_a_list_of_cards_is_taken_as_people_write_it(written: object) -> None:
    assert BY_NAME["gpu.order"].kind.parse(written, field="gpu.order") == ("3", "2")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("0,1", ("0", "1")), ([0, "1:0", 1, 0], ("0", "1:0", "1")), ("all", ()), ([], ()), (2, ("2",)), ("02", ("2",)),
     ("[GPU-0a1b, 3]", ("GPU-0a1b", "3"))],
)  # fmt: skip
def test_the_cards_to_compete_for_are_taken_as_people_write_them(written: object, expected: tuple[str, ...]) -> None:
    kind = BY_NAME["rules.compete_gpus"].kind
    assert kind.parse(written, field="rules.compete_gpus") == expected
    assert kind.parse(kind.plain(expected), field="rules.compete_gpus") == expected


@pytest.mark.parametrize("written", ["none", "0;1", "-1", ["car"], [True], {"0": 1}])
def test_what_is_no_list_of_cards_is_refused(written: object) -> None:
    with pytest.raises(InvalidField, match=r"rules\.compete_gpus"):
        BY_NAME["rules.compete_gpus"].kind.parse(written, field="rules.compete_gpus")


@pytest.mark.parametrize(
    ("written", "seconds", "plain"),
    [("2h", 7200, "2h"), ("02:00:00", 7200, "2h"), (90, 90, "90s"), ("1h30m", 5400, "90m"), ("1.5", 1.5, "1.5s"),
     ("none", None, None), ("2d", 172800, "2d")],
)  # fmt: skip
def test_the_time_limit_of_command_files_is_a_duration(
    written: object, seconds: float | None, plain: str | None
) -> None:
    kind = BY_NAME["rules.time_limit"].kind
    assert kind.parse(written, field="rules.time_limit") == seconds
    assert kind.plain(seconds) == plain
    assert kind.parse(plain, field="rules.time_limit") == seconds


def test_directories_are_kept_as_written_and_must_be_absolute() -> None:
    kind = BY_NAME["logs.roots"].kind
    assert kind.parse("~/runs/, /data", field="logs.roots") == ("~/runs", "/data")
    with pytest.raises(InvalidField, match="absolute"):
        kind.parse(["runs"], field="logs.roots")


@pytest.mark.parametrize("written", ["a,b c", "[a, b c]", '["a", "b c"]', "['a','b c']"])
def test_a_list_may_be_written_as_in_a_file(written: str) -> None:
    assert Words().parse(written, field="x") == ("a", "b c")

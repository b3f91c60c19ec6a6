"""Changing the file: comments stay, mistakes never get in, and the file is whole at every moment."""

import json
import os
import stat
from pathlib import Path

import pytest

from gavelq.config import load, set_value, unset_value
from gavelq.core.errors import GavelqError, InvalidField, InvalidFile, StoreUnavailable

COMMENTED = """\
# my machine
gpu:  # cards
  provider: nvml  # the real ones
  # how many
  simulated_count: 4

# the end
settle_s: 2
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_setting_a_value_keeps_comments_and_order(path: Path) -> None:
    path.write_text(COMMENTED)
    assert set_value(str(path), "gpu.provider", "simulated") == "simulated"
    # The column of a comment may move with the length of the value.
    assert path.read_text() == COMMENTED.replace("provider: nvml  #", "provider: simulated #")


def test_setting_then_unsetting_gives_the_old_text_back(path: Path) -> None:
    path.write_text(COMMENTED)
    set_value(str(path), "log.level", "debug")
    assert load(str(path), {}).log.level == "debug"
    assert unset_value(str(path), "log.level")
    assert path.read_text() == COMMENTED
    assert not unset_value(str(path), "log.level")


def test_a_new_file_is_private_and_its_directory_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.yaml"
    set_value(str(path), "gpu.simulated_memory", "8192M")
    assert path.read_text() == "gpu:\n  simulated_memory: 8G\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0
    assert os.listdir(path.parent) == ["config.yaml"]


def test_a_file_of_comments_keeps_them(path: Path) -> None:
    path.write_text("# only\n# comments")
    set_value(str(path), "settle_s", "3")
    assert path.read_text() == "# only\n# comments\nsettle_s: 3\n"


def test_an_existing_file_keeps_its_mode_and_a_link_stays_a_link(tmp_path: Path, path: Path) -> None:
    real = tmp_path / "real.yaml"
    real.write_text("settle_s: 2\n")
    real.chmod(0o640)
    path.symlink_to(real)
    set_value(str(path), "settle_s", 3)
    assert path.is_symlink()
    assert real.read_text() == "settle_s: 3\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_whole_names_and_shorthands_are_changed_where_they_stand(path: Path) -> None:
    path.write_text("gpu.provider: nvml\nforeign: share\n")
    set_value(str(path), "gpu.provider", "simulated")
    set_value(str(path), "foreign.policy", "avoid")
    assert path.read_text() == "gpu.provider: simulated\nforeign: avoid\n"
    set_value(str(path), "foreign.unattributed_mib", 5)
    config = load(str(path), {})
    assert (config.foreign.policy, config.foreign.unattributed_mib) == ("avoid", 5)
    assert unset_value(str(path), "gpu.provider")
    assert load(str(path), {}).gpu.provider == "nvml"


def test_lists_and_none_survive(path: Path) -> None:
    set_value(str(path), "http.allowed_hosts", "a.example,b.example")
    set_value(str(path), "limits.max_running", "none")
    config = load(str(path), {})
    assert config.http.allowed_hosts == ("a.example", "b.example")
    assert config.limits.max_running is None
    assert config.source("limits.max_running").startswith("file:")


def test_json_stays_json(path: Path) -> None:
    path.write_text('{\n\t"//": "mine", "gpu": {"provider": "nvml"}}')
    set_value(str(path), "gpu.provider", "simulated")
    set_value(str(path), "settle_s", 5)
    assert json.loads(path.read_text()) == {"//": "mine", "gpu": {"provider": "simulated"}, "settle_s": 5}


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("gpu.provider", "nvlm", InvalidField),
        ("gpu.provdier", "nvml", InvalidField),
        ("gpus.0.label", "x", InvalidField),
        ("settle_s", "-1", InvalidField),
        ("http.listen", "0.0.0.0:80", InvalidFile),
    ],
)
def test_a_wrong_name_or_value_changes_nothing(path: Path, name: str, value: str, error: type[GavelqError]) -> None:
    path.write_text(COMMENTED)
    with pytest.raises(error):
        set_value(str(path), name, value)
    assert path.read_text() == COMMENTED
    assert os.listdir(path.parent) == ["config.yaml"]


def test_a_file_that_cannot_be_parsed_is_left_alone(path: Path) -> None:
    path.write_text("gpu: [\n")
    with pytest.raises(InvalidFile):
        set_value(str(path), "settle_s", 3)
    assert path.read_text() == "gpu: [\n"


def test_a_mistake_can_be_mended_while_another_one_is_still_there(path: Path) -> None:
    path.write_text("settle_s: soon\nlog.level: loud\n")
    set_value(str(path), "settle_s", 3)
    assert path.read_text() == "settle_s: 3\nlog.level: loud\n"


def test_a_value_that_makes_another_one_wrong_is_refused(path: Path) -> None:
    path.write_text("http: {listen: '0.0.0.0:80', allow_remote: true}\n")
    with pytest.raises(InvalidFile, match="can be reached from other machines"):
        set_value(str(path), "http.allow_remote", False)
    with pytest.raises(InvalidFile, match="can be reached from other machines"):
        unset_value(str(path), "http.allow_remote")
    assert "allow_remote: true" in path.read_text()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        set_value("/proc/gavelq/config.yaml", "settle_s", 3)


def test_unsetting_without_a_file_makes_none(path: Path) -> None:
    assert not unset_value(str(path), "settle_s")
    assert not path.exists()

"""Loading a configuration: what wins, what is refused, and that every mistake is told with its line."""

import os
from pathlib import Path
from typing import Any

import pytest

from gavelq.config import Config, load
from gavelq.core.errors import InvalidFile


def written(tmp_path: Path, text: str | bytes, name: str = "config.yaml") -> str:
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def loaded(tmp_path: Path, text: str | bytes, **env: str) -> Config:
    return load(written(tmp_path, text), env)


def mistakes(tmp_path: Path, text: str | bytes, **env: str) -> list[dict[str, Any]]:
    with pytest.raises(InvalidFile) as caught:
        loaded(tmp_path, text, **env)
    found: list[dict[str, Any]] = caught.value.details["mistakes"]
    assert all(mistake["problem"] in caught.value.message for mistake in found)
    return found


def test_without_a_file_every_default_holds(tmp_path: Path) -> None:
    config = load(str(tmp_path / "missing.yaml"), {})
    assert config.gpu.provider == "nvml"
    assert config.gpu.simulated_memory == 24 * 1024
    assert config.selection == "best_fit"
    assert config.settle_s == 2
    assert config.foreign.policy == "share"
    assert config.runner.grace_s == 10
    assert config.limits.max_running is None
    assert config.source("gpu.provider") == "default"


def test_flags_win_over_environment_over_file_over_default(tmp_path: Path) -> None:
    path = written(tmp_path, "gpu:\n  provider: simulated\n  simulated_count: 2\n  simulated_memory: 8G\n")
    env = {"GAVELQ_GPU_SIMULATED_COUNT": "3", "GAVELQ_GPU_SIMULATED_MEMORY": "9G"}
    config = load(path, env, {"gpu.simulated_memory": "10G"})
    assert (config.gpu.provider, config.source("gpu.provider")) == ("simulated", "file:2")
    assert (config.gpu.simulated_count, config.source("gpu.simulated_count")) == (3, "env")
    assert (config.gpu.simulated_memory, config.source("gpu.simulated_memory")) == (10240, "flag")


def test_a_setting_may_stand_under_its_whole_name(tmp_path: Path) -> None:
    assert loaded(tmp_path, "gpu.provider: simulated\n").gpu.provider == "simulated"


def test_foreign_may_be_one_word(tmp_path: Path) -> None:
    assert loaded(tmp_path, "foreign: avoid\n").foreign.policy == "avoid"
    assert loaded(tmp_path, "foreign:\n  policy: avoid\n").foreign.policy == "avoid"


def test_json_with_tabs_loads_and_keeps_its_lines(tmp_path: Path) -> None:
    config = loaded(tmp_path, '{\n\t"//": "a comment",\n\t"gpu": {\n\t\t"provider":"simulated"\n\t}\n}\n')
    assert config.gpu.provider == "simulated"
    assert config.source("gpu.provider") == "file:4"


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "gpu:\n", "\ufeffsettle_s: 2\n"])
def test_an_empty_file_is_a_file_of_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).settle_s == 2


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path: Path) -> None:
    found = mistakes(
        tmp_path,
        "gpu:\n  provider: nvlm\n  simulated_memroy: 8G\nsettle_s: -1\nlimits: 3\n",
        GAVELQ_LOG_LEVEL="loud",
    )
    assert [(m["line"], m["field"]) for m in found] == [
        (0, "log.level"),
        (2, "gpu.provider"),
        (3, "gpu.simulated_memroy"),
        (4, "settle_s"),
        (5, "limits"),
    ]
    assert "GAVELQ_LOG_LEVEL" in found[0]["path"]
    assert found[2]["hint"] == "did you mean gpu.simulated_memory?"


def test_a_single_mistake_reads_as_file_line_field(tmp_path: Path) -> None:
    path = written(tmp_path, "\n\nsettle_s: soon\n")
    with pytest.raises(InvalidFile, match="settle_s: 'soon' is not a number of seconds") as caught:
        load(path, {})
    assert caught.value.message.startswith(f"{path}:3: ")


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("gpu: [1\n", 2, "expected"),
        ("settle_s: 1\nsettle_s: 2\n", 2, "stands in line 1 already"),
        ("gpu.provider: nvml\ngpu: {provider: nvml}\n", 2, "given before (file:1)"),
        ("a: 1\n---\nb: 2\n", 2, "found another document"),
        ("- 1\n", 1, "not a mapping"),
        ("just text\n", 1, "not a mapping"),
        ("gpu: &x {provider: *x}\n", 1, "contains itself"),
        ("? [1]\n: 2\n", 1, "a key must be a plain text"),
        ("\tgpu: 1\n", 1, "cannot start any token"),
    ],
)
def test_what_is_not_one_plain_mapping_is_refused(tmp_path: Path, text: str, line: int, problem: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found["line"] == line
    assert problem in found["problem"]


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, b"settle_s: 2\nlog: \xff\n")
    assert (found["line"], found["problem"]) == (2, "this is not UTF-8 text")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, b"# " + b"x" * (1 << 20))
    assert "more than 1048576 bytes" in found["problem"]


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "gpu: " + "[" * 5000 + "]" * 5000)
    assert found["problem"] == "values are nested too deeply"


def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(InvalidFile):
            load(str(path), {})


@pytest.mark.parametrize("raw", ["nan", "inf", "1e400", "1_0", "0x10", "ten", "true", "[1]", "'1 0'", "{a: 1}"])
def test_absurd_numbers_are_refused(tmp_path: Path, raw: str) -> None:
    for name in ("settle_s", "log.backups"):
        text = f"{name}: {raw}\n"
        if raw in ("1_0", "0x10"):  # YAML integers
            assert loaded(tmp_path, text).value(name) in (10, 16)
        else:
            assert mistakes(tmp_path, text)[0]["field"] == name


def test_listening_for_other_machines_needs_consent(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "http:\n  listen: 0.0.0.0:80\n")
    assert (found["line"], found["field"]) == (2, "http.listen")
    assert "http.allow_remote" in found["hint"]
    assert loaded(tmp_path, "http: {listen: '0.0.0.0:80', allow_remote: true}\n").http.listen == "0.0.0.0:80"
    for listen in ("127.0.0.1:80", "localhost:0", "'[::1]:80'"):
        assert loaded(tmp_path, f"http.listen: {listen}\n").http.listen


@pytest.mark.parametrize("listen", ["80", ":80", "host", "h:70000", "::1:80", "h:8x", "a b:1", "'[::1]'"])
def test_addresses_that_are_not_host_and_port_are_refused(tmp_path: Path, listen: str) -> None:
    assert mistakes(tmp_path, f"http.listen: {listen}\n")[0]["field"] == "http.listen"


def test_a_socket_path_that_no_socket_can_have_is_refused(tmp_path: Path) -> None:
    assert "bytes" in mistakes(tmp_path, f"socket.path: /{'x' * 107}\n")[0]["problem"]
    assert "not an absolute path" in mistakes(tmp_path, "socket.path: run/x.sock\n")[0]["problem"]


def test_none_means_none(tmp_path: Path) -> None:
    assert (
        loaded(tmp_path, "limits: {max_running: none}\nlog.path: ~\nhttp: {listen: null}\n").limits.max_running is None
    )


def test_lists_come_from_yaml_lists_and_from_commas(tmp_path: Path) -> None:
    assert loaded(tmp_path, "http.allowed_hosts: [a, b]\n").http.allowed_hosts == ("a", "b")
    assert loaded(tmp_path, "", GAVELQ_HTTP_ALLOWED_HOSTS="a, b").http.allowed_hosts == ("a", "b")
    assert mistakes(tmp_path, "http.allowed_hosts: [a, [b]]\n")[0]["field"] == "http.allowed_hosts"


def test_unknown_flags_are_mistakes(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="no such setting"):
        load(str(tmp_path / "none"), {}, {"gpu.provdier": "nvml"})


def test_a_misspelt_environment_variable_is_told_and_others_are_left_alone(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "", GAVELQ_GPU_PROVIDR="simulated")
    assert "GAVELQ_GPU_PROVIDR" in found["path"]
    assert found["hint"] == "did you mean GAVELQ_GPU_PROVIDER?"
    loaded(tmp_path, "", GAVELQ_HOME="/x", GAVELQ_SOCKET="/s", GAVELQ_GPUS="0", GAVELQ_TOKEN="t", GAVELQ_SIM_DIR="d")

"""What becomes of the keys of the four older designs."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gavelq.config.importing import DESIGNS, Finding, Plan, plan
from gavelq.core.errors import InvalidFile

SAMPLES = Path(__file__).parent / "samples"
ALL = sorted(SAMPLES.iterdir())
SECRETS = ("correct-horse-battery-staple", "vk-0123456789", "do-not-print-me", "admin123")


def read(text: str, design: str | None = None, config: str = "/no/config.yaml") -> Plan:
    return plan("old.yaml", text, config, design)


def sample(name: str) -> Plan:
    return plan(str(SAMPLES / name), (SAMPLES / name).read_text(), "/no/config.yaml")


def of(found: Plan, key: str) -> Finding:
    return next(finding for finding in found.findings if finding.key == key)


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.name))
def test_each_design_is_known_by_its_keys(path: Path) -> None:
    found = sample(path.name)
    assert found.design.replace("-", "_") == re.sub(r"_(nested|flat)$", "", path.stem)
    assert not found.refused


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.name))
def test_every_line_with_a_value_is_told(path: Path) -> None:
    lines = path.read_text().splitlines()
    with_value = {n for n, line in enumerate(lines, 1) if re.match(r"""\s*(- )?["\w][\w.\- ]*"?:\s*[^\s#{]""", line)}
    assert with_value
    assert with_value <= {finding.line for finding in sample(path.name).findings}


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.name))
def test_nothing_comes_without_a_reason_or_a_setting(path: Path) -> None:
    for finding in sample(path.name).findings:
        assert bool(finding.setting) != (finding.outcome in ("no_counterpart", "refused"))
        assert finding.setting or finding.because


@pytest.mark.parametrize("path", ALL, ids=lambda path: str(path.name))
def test_secrets_are_never_shown(path: Path) -> None:
    found = sample(path.name)
    told = repr(found)
    assert not [secret for secret in SECRETS if secret in told]


def test_secrets_are_hidden_wherever_they_stand() -> None:
    text = "gpu_left: 1\nsecret: {a: s3cret, b: [s3cret]}\nmine: [{Api-Key: s3cret}]\nx.auth.deep: s3cret\n"
    text += "tokens: [s3cret]"
    assert "s3cret" not in repr(read(text))
    text = "system: {host: localhost}\ntenants: [{name: a, token: s3cret, other: {password: s3cret}}]"
    text += "\ngpu: {devices: [{id: 0, password: s3cret}]}"
    assert "s3cret" not in repr(read(text))


def test_gavelrs_keeps_its_places_and_its_waiting_queue() -> None:
    assert sample("gavelrs.json").settings == {
        "log.level": "warning",
        "log.path": "/tmp/gavelrs/daemon.log",
        "socket.path": "/tmp/gavelrs/gavel.sock",
        "submit.default_queue": "waiting",
    }
    added = sample("gavelrs.json").findings[-1]
    assert (added.line, added.outcome, added.setting) == (0, "added", "submit.default_queue")


def test_json_with_comments_and_tabs_is_read_with_its_lines() -> None:
    found = sample("gavelrs_nested.json")
    assert found.settings["log.path"] == "/var/tmp/gavelrs/gavelq.log"  # a directory was named
    assert found.settings["log.level"] == "debug"
    assert (of(found, "daemon.sock_path").line, of(found, "daemon.sock_path").outcome) == (8, "no_counterpart")
    assert of(found, "theme").line == 11
    text = '{"log-path": "/a b/*c*/", "level": "info" /* x\n */, // "sock-path": "/no"\n\t"motto": "http://a // \\"b"}'
    kept = read(text)
    assert kept.settings["log.path"] == "/a b/*c*/gavelq.log"
    assert [(one.key, one.line) for one in kept.findings if one.line] == [("log-path", 1), ("level", 1), ("motto", 3)]
    assert of(kept, "motto").value == 'http://a // "b'


def test_gpu_grab_has_its_interval_clamped_and_its_defaults_named_as_commands() -> None:
    found = sample("gpu_grab.yaml")
    assert found.settings == {
        "gpu.sample_interval_s": 4,
        "limits.max_running": 4,
        "log.level": "info",
        "log.max_mb": 10,
        "log.backups": 3,
    }
    assert "every 0.1 to 4 s" in of(found, "check_interval").because
    assert "-c 2" in of(found, "default_gpu_count").because
    assert found.commands == (
        "gavelq queue set-limit running --mem-type absolute --mem-value 7680",
        "gavelq queue set-limit running --max-util 30",
    )


def test_gpu_grab_in_sections_and_with_dashes_is_the_same_design() -> None:
    found = sample("gpu_grab_nested.yaml")
    assert found.settings == {
        "gpu.sample_interval_s": 2,
        "limits.max_running": 16,
        "log.level": "error",
        "log.max_mb": 64,
        "log.backups": 0,
    }
    assert found.commands == ()
    assert of(found, "logging.colour").outcome == "no_counterpart"


def test_compete_keeps_its_rules_and_brings_in_its_files_by_command() -> None:
    found = sample("compete.yaml")
    assert found.settings == {
        "rules.compete_gpus": [0, 1, 2, 3],
        "rules.use_all_gpus": False,
        "rules.gpu_left": 1,
        "rules.min_gpu": 1,
        "rules.max_gpu": 3,
        "rules.maximize_resource_utilization": True,
        "rules.memory_save_mode": False,
        "rules.max_retry_before_backoff": 3,
        "rules.backoff_duration": 600,
        "rules.max_retries": "unlimited",
        "rules.time_limit": "2h",
        "rules.work_dir": "/data/experiments",
        "http.listen": "127.0.0.1:9090",
    }
    assert found.commands == (
        "gavelq file new command/command_gpu.txt --mode single",
        "gavelq file new 'command/my gpus.txt' --mode multi",
    )
    assert (of(found, "console.secret").value, of(found, "console.secret").setting) == ("(not shown)", "")


def test_compete_may_write_no_limit_as_minus_one_and_switches_as_words() -> None:
    settings = sample("compete_flat.yaml").settings
    assert settings["rules.max_gpu"] is None
    assert settings["rules.compete_gpus"] == [0, 2]
    assert settings["rules.use_all_gpus"] is False
    assert settings["rules.backoff_duration"] == 300
    assert "rules.work_dir" not in settings  # a relative one begins nowhere


def test_an_empty_list_of_cards_does_not_become_every_card() -> None:
    assert read("compete_gpus: []\ngpu_left: 1").refused[0].key == "compete_gpus"
    assert read("compete_gpus: []\nuse_all_gpus: true").settings["rules.compete_gpus"] == []


def test_minimalist_describes_its_cards_in_the_section_of_cards() -> None:
    found = sample("minimalist.yaml")
    assert found.cards == {
        "0": {"label": "left card", "keep_free": "2458M"},
        "1": {"label": "right card", "ignored": False, "keep_free": "2458M"},
        "2": {"label": "the one that overheats", "ignored": True, "keep_free": "2458M"},
    }
    assert found.settings["rules.compete_gpus"] == [0, 1]


def test_minimalist_s_scheduler_and_monitor_find_their_settings() -> None:
    found = sample("minimalist.yaml")
    assert {name: value for name, value in found.settings.items() if name != "rules.compete_gpus"} == {
        "http.listen": "127.0.0.1:8080",
        "log.level": "info",
        "sharing.max_utilization": 95,
        "selection": "sampled",
        "rules.memory_save_mode": False,
        "limits.max_unfinished": 100,
        "preemption.enabled": True,
        "gpu.sample_interval_s": 4,
        "retention.events_days": 1,
    }
    assert "gavelq queue set running time_limit=3600s" in found.commands
    of_the_lab = [command for command in found.commands if "vision-lab" in command]
    assert of_the_lab == [
        "gavelq tenant create vision-lab max_gpus=2",
        "gavelq tenant set vision-lab max_priority=80",
        "gavelq token create --tenant vision-lab",
    ]
    assert "-p 80" in of(found, "tenants.vision-lab.priority").because


@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("round_robin", {"scheduling.policy": "fair"}),
        ("least_used", {"selection": "sampled", "rules.memory_save_mode": False}),
        ("priority", {"scheduling.policy": "fifo"}),
    ],
)
def test_each_algorithm_has_a_counterpart(algorithm: str, settings: dict[str, Any]) -> None:
    assert read(f"scheduler: {{algorithm: {algorithm}}}").settings == settings


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("localhost", "localhost:80{}"),
        ("127.0.0.1", "127.0.0.1:80{}"),
        ("'::1'", "[::1]:80{}"),
        ("'[::1]'", "[::1]:80{}"),
    ],
)
def test_an_address_of_this_machine_alone_is_taken_as_it_is(written: str, taken: str) -> None:
    found = read(f"bind-address: {written}\nport: 8080")
    assert found.settings == {"http.listen": taken.format(80)}
    assert [finding.because for finding in found.findings] == ["", ""]


@pytest.mark.parametrize("written", ["0.0.0.0", "'*'", "'::'", "192.168.1.7", "gpu.lab", "''", "null", "0.0.0.0:99"])
def test_other_machines_are_not_let_in_by_the_way(written: str) -> None:
    found = read(f"bind-address: {written}\nport: 8080")
    assert found.settings == {"http.listen": "127.0.0.1:8080"}
    assert "http.allow_remote true" in of(found, "bind-address").because


def test_who_lets_other_machines_in_already_keeps_the_address(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("http: {allow_remote: true}\n")
    found = read("bind-address: 0.0.0.0\nport: 8080", config=str(config))
    assert found.settings == {"http.listen": "0.0.0.0:8080"}
    found.try_to_write()


@pytest.mark.parametrize("port", ["70000", "-1", "many", "true", "[1]", "80.5"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    found = read(f"bind-address: localhost\nport: {port}")
    assert [finding.key for finding in found.refused] == ["port"]
    assert found.settings == {}


def test_a_port_that_needs_root_is_not_taken() -> None:
    found = read("bind-address: localhost\nport: 80")
    assert found.settings == {}
    assert "root" in of(found, "port").because


@pytest.mark.parametrize(
    ("line", "design"),
    [
        ("check_interval: soon", "gpu-grab"),
        ("check_interval: 0", "gpu-grab"),
        ("check_interval: -3", "gpu-grab"),
        ("max_concurrent_tasks: 0", "gpu-grab"),
        ("max_concurrent_tasks: many", "gpu-grab"),
        ("log_level: loud", "gpu-grab"),
        ("log_backup_count: 2.5", "gpu-grab"),
        ("default_gpu_count: -2", "gpu-grab"),
        ("default_min_memory_gb: lots", "gpu-grab"),
        ("default_min_memory_gb: [1]", "gpu-grab"),
        ("default_max_util_percent: 130", "gpu-grab"),
        ("gpu_left: -1", "compete"),
        ("compete_gpus: [first]", "compete"),
        ("backoff_duration: a while", "compete"),
        ("on_failure: cry", "compete"),
        ("socket_path: " + "/" + "x" * 200, "gavelrs"),
        ("scheduler: {algorithm: best}", "minimalist"),
        ("scheduler: {queue_size: 0}", "minimalist"),
        ("scheduler: {task_timeout: never}", "minimalist"),
        ("gpu: {max_memory_percent: 0.9}", "minimalist"),
        ("gpu: {max_memory_percent: 120}", "minimalist"),
        ("gpu: {max_compute_percent: 0}", "minimalist"),
        ("gpu: {devices: [{id: left, name: x}]}", "minimalist"),
        ("gpu: {devices: [{id: 0, enabled: false}]}", "minimalist"),
        ("monitor: {retention: forever}", "minimalist"),
        ("tenants: {a: {max_gpus: all of them}}", "minimalist"),
        ("<<: {gpu_left: 1}", "compete"),
    ],
)
def test_a_wrong_value_is_refused_with_its_reason(line: str, design: str) -> None:
    refused = read(line, design).refused
    assert refused
    assert all(finding.line == 1 and finding.because for finding in refused)


@pytest.mark.parametrize(
    ("text", "design"),
    [
        ("check_interval:\nlog_level:\nlog_max_size_mb:\ndefault_gpu_count:\n", "gpu-grab"),
        ("default_min_memory_gb:\ndefault_max_util_percent:\nlog_backup_count: ~\n", "gpu-grab"),
        ("gpu_left:\nmin_gpu: null\nseed:\nport:\nbind-address:\n", "compete"),
        ("system: {host: , port: , log_level: }\nmonitor: {interval: , retention: }", "minimalist"),
        ("scheduler: {algorithm: , queue_size: , preemptive: }\ngpu: {max_memory_percent: }", "minimalist"),
        ("tenants: {a: {max_gpus: , priority: }}", "minimalist"),
    ],
)
def test_a_key_without_a_value_changes_nothing(text: str, design: str) -> None:
    found = read(text, design)
    assert found.findings
    assert [finding.outcome.value for finding in found.findings] == ["no_counterpart"] * len(found.findings)
    assert all("None" not in finding.because for finding in found.findings)


def test_a_host_without_a_port_s_value_tells_what_it_needs() -> None:
    assert "needs a port" in of(read("bind-address: localhost\nport:\n"), "bind-address").because


@pytest.mark.parametrize("written", ["100", "100MB", "'100 MB'", "102400K"])
def test_a_log_s_size_may_have_a_unit(written: str) -> None:
    assert read(f"system: {{log: {{max_size: {written}}}}}", "minimalist").settings == {"log.max_mb": 100}


@pytest.mark.parametrize("written", ["much", "100 parsecs", "0"])
def test_a_log_s_size_that_is_none_is_refused(written: str) -> None:
    assert read(f"system: {{log: {{max_size: {written}}}}}", "minimalist").refused


def test_a_tenant_with_an_id_and_a_name_gets_commands_that_do_something() -> None:
    text = "tenants: [{name: Team One, id: team-1, max_gpus: 2}, {id: b, name: b}, {name: Überall}]"
    assert read(text, "minimalist").commands == (
        "gavelq tenant create team-1 description='Team One'",
        "gavelq tenant set team-1 max_gpus=2",
        "gavelq tenant create b",
        "gavelq tenant create NAME description='Überall'",
    )


def test_two_lines_that_disagree_are_not_both_taken() -> None:
    found = read("gpu_left: 1\nrules:\n  gpu-left: 2\n")
    assert found.settings == {"rules.gpu_left": 1}
    assert [(finding.line, "line 1" in finding.because) for finding in found.refused] == [(3, True)]
    assert not read("gpu_left: 1\nrules:\n  gpu-left: 1\n").refused


def test_a_second_host_is_told_though_it_does_not_count() -> None:
    found = read("host: localhost\nport: 8080\nbind-address: 0.0.0.0\n")
    assert of(found, "bind-address").because.startswith("another line")


def test_an_unknown_key_is_told_with_what_it_may_have_meant() -> None:
    found = read("check_interval: 1\nmax_concurent_tasks: 4\nempty:\nsection: {}\nlist: [{a: 1}, 2]\n")
    assert "max_concurrent_tasks" in of(found, "max_concurent_tasks").because
    assert [finding.key for finding in found.findings[2:]] == ["empty", "section", "list[0].a", "list[1]"]


def test_what_no_design_has_is_an_error_that_says_what_was_looked_for() -> None:
    with pytest.raises(InvalidFile) as caught:
        read("colour: red\n")
    for word in ("sock_path", "check_interval", "compete_gpus", "gpu_devices", *DESIGNS):
        assert word in str(caught.value)
    for text in ("", "# nothing\n", "{}"):
        with pytest.raises(InvalidFile, match="none of the keys"):
            read(text)


def test_a_file_that_looks_like_two_designs_is_not_guessed() -> None:
    with pytest.raises(InvalidFile, match="gpu-grab by check_interval; compete by gpu_left"):
        read("check_interval: 1\ngpu_left: 1\n")
    assert read("check_interval: 1\ngpu_left: 1\n", "compete").settings == {"rules.gpu_left": 1}


def test_a_configuration_of_gavelq_is_no_older_design() -> None:
    with pytest.raises(InvalidFile, match="gavelq already"):
        read("rules: {gpu_left: 1}\nlog.level: info\ngpus: {0: {label: x}}\n")
    assert read("rules: {gpu_left: 1}\n").design == "compete"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("gpu_left: 1\n  min_gpu: 2\n", 2),
        ("gpu_left: 1\ngpu_left: 2\n", 2),
        ("- gpu_left\n", 1),
        ("gpu_left: [1\n", 2),
        ('{"log-path": "/x",\n "level" "info"}', 2),
        ("a: &x [*x]\n", 1),
    ],
)
def test_a_malformed_file_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidFile) as caught:
        read(text)
    assert caught.value.details["line"] == line
    assert f"old.yaml:{line}" in str(caught.value)
    assert "config import" in caught.value.hint


def test_values_of_every_kind_are_json() -> None:
    for path in ALL:
        json.dumps([[finding.value, finding.to] for finding in sample(path.name).findings])

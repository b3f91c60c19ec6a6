"""`gavelq config import`, as a person and as a script use it."""

import json
import shlex
from pathlib import Path

import pytest

from tests.cli.conftest import Shell
from tests.cli.terminal import on_terminal
from tests.support.daemon import box

SAMPLES = Path(__file__).parents[1] / "config" / "samples"
GRAB = "check_interval: 10\nlog_level: INFO\ndefault_gpu_count: 2\n"
WRONG = "check_interval: 2\nlog_level: loud\nlog_backup_count: many\n"


def written(shell: Shell, text: str | bytes, name: str = "old.yaml") -> str:
    path = shell.workdir / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def config_of(shell: Shell) -> str | None:
    path = shell.home / "config.yaml"
    return path.read_text() if path.exists() else None


def test_a_dry_run_tells_each_line_and_writes_nothing(shell: Shell) -> None:
    done = shell.run("config", "import", written(shell, GRAB))
    assert done.returncode == 0
    titles, *rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert titles == ["LINE", "KEY", "VALUE", "RESULT"]
    assert rows[0][:3] == ["1", "check_interval", "10"]
    assert rows[0][3].startswith("taken over as: gpu.sample_interval_s = 4 because: ")
    assert rows[1] == ["2", "log_level", "INFO", "taken over as: log.level = info"]
    assert rows[2][3].startswith("no counterpart because: ")
    assert "--apply" in done.stderr
    assert config_of(shell) is None


def test_applied_it_goes_into_the_file_and_what_it_replaces_is_named(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "config.yaml").write_text("# mine\nlog:\n  level: debug\n")
    done = shell.run("config", "import", "--apply", written(shell, GRAB))
    assert done.returncode == 0
    assert "taken over as: log.level = info replaces debug (config.yaml:3)" in done.stdout
    assert f"written into {shell.home / 'config.yaml'}" in done.stderr
    assert "# mine" in (config_of(shell) or "")
    assert shell.run("config", "check").returncode == 0
    assert shell.run("config", "get", "log.level").stdout == "info\n"
    again = shell.run("config", "import", "--apply", written(shell, GRAB))
    assert "(it says so already)" in again.stdout
    assert "says all of it already" in again.stderr


def test_a_file_of_which_nothing_comes_is_not_told_to_be_there_already(shell: Shell) -> None:
    done = shell.run("config", "import", "--apply", written(shell, "default_gpu_count: 2\n"))
    assert done.returncode == 0
    assert "nothing to write: no line became a setting" in done.stderr
    assert config_of(shell) is None


def test_as_json_it_is_one_document(shell: Shell) -> None:
    done = shell.run("config", "import", "-o", "json", "--apply", written(shell, "log_backup_count: 2\ncolour: red\n"))
    found = json.loads(done.stdout)
    assert (found["design"], found["applied"], found["changed"]) == ("gpu-grab", True, True)
    assert found["settings"] == {"log.backups": 2}
    assert found["lines"][0] == {
        "line": 1, "key": "log_backup_count", "value": 2, "outcome": "taken", "setting": "log.backups", "to": 2,
        "because": None, "command": None, "replaces": None, "is_so_already": False,
    }  # fmt: skip
    assert (found["lines"][1]["outcome"], found["lines"][1]["setting"]) == ("no_counterpart", None)


def test_a_wrong_value_keeps_everything_from_being_written(shell: Shell) -> None:
    for words in (["config", "import"], ["config", "import", "--apply"]):
        done = shell.run(*words, written(shell, WRONG))
        assert done.returncode == 2
        assert "refused because: 'loud' is not one of debug, info, warning, error" in done.stdout
        assert "2 lines are refused; nothing was written" in done.stderr
        assert config_of(shell) is None
    error = json.loads(shell.run("config", "import", "-o", "json", written(shell, WRONG)).stderr)["error"]
    assert error["code"] == "invalid_file"
    assert [(one["line"], one["field"]) for one in error["details"]["mistakes"]] == [
        (2, "log_level"),
        (3, "log_backup_count"),
    ]


def test_the_rest_is_taken_over_where_somebody_says_so(shell: Shell) -> None:
    assert shell.run("config", "import", "--skip-refused", written(shell, WRONG)).returncode == 0
    assert config_of(shell) is None
    done = shell.run("config", "import", "--apply", "--skip-refused", written(shell, WRONG))
    assert done.returncode == 9
    assert config_of(shell) == "gpu:\n  sample_interval_s: 2\n"


def test_a_dry_run_finds_what_would_be_wrong_in_the_configuration(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "config.yaml").write_text("gpus: {0: 5}\n")
    path = written(shell, "gpu: {devices: [{id: 0, name: left}]}\n")
    for words in (["config", "import", path], ["config", "import", "--apply", path]):
        done = shell.run(*words)
        assert (done.returncode, "gpus.0: this is not a mapping" in done.stderr) == (2, True)
    assert config_of(shell) == "gpus: {0: 5}\n"


def test_whose_file_it_is_may_be_said(shell: Shell) -> None:
    path = written(shell, "log_level: debug\n")
    unclear = shell.run("config", "import", path)
    assert unclear.returncode == 2
    assert "--from gavelrs|gpu-grab|compete|minimalist" in unclear.stderr
    assert shell.run("config", "import", "--from", "gpu-grab", path).returncode == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [(b"gpu_left: 1\n  b: 2\n", "old.yaml:2"), (b"\xff\xfe\x00", "old.yaml"), (b"gpu_left: 1\n" * 200_000, "1048576")],
)
def test_what_cannot_be_read_is_refused_with_its_place(shell: Shell, text: bytes, said: str) -> None:
    done = shell.run("config", "import", "--apply", written(shell, text))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert config_of(shell) is None


def test_a_file_that_is_not_there_is_not_found(shell: Shell) -> None:
    assert shell.run("config", "import", "no.yaml").returncode == 3
    assert shell.run("config", "import", str(shell.workdir)).returncode == 2


def test_chinese_comments_windows_line_ends_and_the_standard_input_are_read(shell: Shell) -> None:
    text = "gpu_left: 1  # 留给别人的卡\r\nmin_gpu: 2\r\n"
    done = shell.run("config", "import", "--apply", written(shell, text.encode("gbk")))
    assert (done.returncode, config_of(shell)) == (0, "rules:\n  gpu_left: 1\n  min_gpu: 2\n")
    done = shell.run("config", "import", "-", stdin="gpu_left: 3\n")
    assert "rules.gpu_left = 3 replaces 1" in done.stdout


def test_another_configuration_file_may_be_named(shell: Shell) -> None:
    other = shell.workdir / "other.yaml"
    done = shell.run("config", "import", "--apply", "--config", str(other), written(shell, GRAB))
    assert done.returncode == 0
    assert "level: info" in other.read_text()
    assert config_of(shell) is None


def test_on_a_terminal_reasons_stand_below_their_lines_and_nothing_is_cut(shell: Shell) -> None:
    screen = on_terminal(shell, "config", "import", str(SAMPLES / "compete.yaml"), columns=80)
    assert screen.code == 0
    lines = screen.lines
    assert all(len(line) <= 80 for line in lines if "\x1b" not in line and not line.startswith("compete"))
    at = next(n for n, line in enumerate(lines) if "rules.maximize" in line)
    assert lines[at].endswith("taken over")
    assert lines[at + 1].strip() == "as: rules.maximize_resource_utilization = true"
    assert "correct-horse-battery-staple" not in screen.text
    assert "  gavelq file new 'command/my gpus.txt' --mode multi" in lines


def test_a_terminal_is_safe_from_what_a_file_says(shell: Shell) -> None:
    screen = on_terminal(shell, "config", "import", written(shell, 'gpu_left: 1\n"a\\e[31mb": "\\e]0;x\\a"\n'))
    assert "\x1b]0;" not in screen.text
    assert "\x1b[31m" not in screen.text.replace("\x1b[31mgavelq", "")


def test_a_running_daemon_takes_it_over_even_where_its_socket_is_to_move() -> None:
    with box() as instance:
        shell = Shell(home=instance.home, workdir=instance.home)
        text = json.dumps({"level": "debug", "log-path": "/tmp/x.log", "sock-path": str(instance.home / "new.sock")})
        path = instance.home / "old.json"
        path.write_text(text)
        done = shell.run("config", "import", "-o", "json", "--apply", str(path))
        assert done.returncode == 0
        reloaded = json.loads(done.stdout)["reloaded"]
        assert {"log.level", "submit.default_queue"} <= set(reloaded["changed"])
        assert {"log.path", "socket.path"} <= set(reloaded["needs_restart"])
        task = instance.post("/api/tasks", {"command": "true", "gpu_count": 0})
        assert (task["state"], task["queue"]) == ("held", "waiting")


def test_the_commands_that_a_report_names_do_what_it_says() -> None:
    with box() as instance:
        shell = Shell(home=instance.home, workdir=instance.home)
        for name in ("gpu_grab.yaml", "minimalist.yaml"):
            report = json.loads(shell.run("config", "import", "-o", "json", str(SAMPLES / name)).stdout)
            assert report["commands"]
            for command in report["commands"]:
                done = shell.run(*shlex.split(command)[1:])
                assert done.returncode == 0, f"{command}: {done.stderr}"
        queue = instance.get("/api/queues/running")
        assert (queue["max_util"], queue["mem_type"], queue["mem_value"]) == (30, "absolute", 7680)
        assert instance.get("/api/tenants/vision-lab")["quota"]["max_gpus"] == 2

"""Commands about the installation itself: config, service, completion, version, reference."""

import json
import os
import stat
from pathlib import Path

import click
import pytest

from gavelq.cli import reference
from gavelq.cli.app import cli
from gavelq.cli.service import quoted
from gavelq.version import __version__
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon
from tests.cli.terminal import on_terminal

DOCS = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_path_of_the_configuration_is_printed(shell: Shell) -> None:
    assert shell.run("config", "path").stdout == f"{shell.home}/config.yaml\n"
    assert shell.run("config", "path", "--config", "c.yaml").stdout == f"{shell.workdir}/c.yaml\n"


def test_every_setting_is_shown_with_its_source(shell: Shell) -> None:
    shell.home.mkdir()
    (shell.home / "config.yaml").write_text("\nsettle_s: 5\n")
    lines = shell.run("config", "show", env=shell.env(GAVELQ_LOG_LEVEL="debug")).stdout.splitlines()
    assert "settle_s\t5\tfile:2" in lines
    assert "log.level\tdebug\tenv" in lines
    assert "http.listen\tnone\tdefault" in lines
    rows = json.loads(shell.run("config", "show", "-o", "json").stdout)
    assert {"name": "settle_s", "value": 5, "source": "file:2"}.items() <= next(
        row for row in rows if row["name"] == "settle_s"
    ).items()


def test_a_setting_is_written_with_comments_kept_and_the_daemon_told(shell: Shell, fake: FakeDaemon) -> None:
    fake.on("POST", "/api/config/reload", Answer(document={"changed": [], "needs_restart": ["x.y"], "warnings": []}))
    shell.home.mkdir(exist_ok=True)
    (shell.home / "config.yaml").write_text("# mine\nsettle_s: 5 # why\n")
    done = shell.run("config", "set", "settle_s", "7")
    assert done.returncode == 0, done.stderr
    assert (shell.home / "config.yaml").read_text() == "# mine\nsettle_s: 7 # why\n"
    assert "x.y will count after: gavelq daemon restart" in done.stderr
    assert shell.run("config", "get", "settle_s").stdout == "7\n"


def test_a_setting_can_be_written_without_a_daemon(shell: Shell) -> None:
    assert shell.run("config", "set", "submit.default_queue", "waiting").returncode == 0
    assert shell.run("config", "get", "submit.default_queue").stdout == "waiting\n"


@pytest.mark.parametrize(
    "words", [["set", "settle_s", "soon"], ["set", "setle_s", "1"], ["get", "setle_s"], ["set", "settle_s", "-1"]]
)
def test_a_wrong_setting_is_refused_and_nothing_is_written(shell: Shell, words: list[str]) -> None:
    done = shell.run("config", *words)
    assert done.returncode == 2
    assert words[1] in done.stderr
    assert not shell.home.exists()


def test_check_names_the_line_of_every_mistake(shell: Shell) -> None:
    assert shell.run("config", "check").returncode == 0
    shell.home.mkdir()
    (shell.home / "config.yaml").write_text("settle_s: soon\nlog:\n  level: loud\n")
    done = shell.run("config", "check")
    assert done.returncode == 2
    assert f"{shell.home}/config.yaml:1: settle_s" in done.stderr
    assert f"{shell.home}/config.yaml:3: log.level" in done.stderr
    assert shell.run("config", "check", "missing.yaml").returncode == 3


def editor(shell: Shell, script: str) -> str:
    path = shell.workdir / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_edit_without_mistakes_is_kept(shell: Shell) -> None:
    done = shell.run("config", "edit", env=shell.env(EDITOR=editor(shell, 'echo "settle_s: 9" >> "$1"')))
    assert done.returncode == 0, done.stderr
    assert shell.run("config", "get", "settle_s").stdout == "9\n"
    assert sorted(os.listdir(shell.home)) == ["config.yaml", "state"], "the history is in the state directory"


def test_an_edit_with_mistakes_is_told_and_not_kept(shell: Shell) -> None:
    done = shell.run("config", "edit", env=shell.env(EDITOR=editor(shell, 'echo "settle_s: soon" > "$1"')))
    assert done.returncode == 2
    assert "config.yaml:1: settle_s" in done.stderr
    assert os.listdir(shell.home) == []
    again = editor(shell, 'if test -e tried; then echo "settle_s: 3" > "$1"; else touch tried; echo "x: 1" > "$1"; fi')
    assert on_terminal(shell, "config", "edit", typed="y\n", EDITOR=again).code == 0
    assert shell.run("config", "get", "settle_s").stdout == "3\n"


def test_an_edit_that_changes_nothing_or_fails_leaves_no_file(shell: Shell) -> None:
    assert "nothing was changed" in shell.run("config", "edit", env=shell.env(EDITOR="true")).stderr
    assert shell.run("config", "edit", env=shell.env(EDITOR="false")).returncode == 1
    assert shell.run("config", "edit", env=shell.env(EDITOR="/no/editor")).returncode == 2
    assert os.listdir(shell.home) == []


def unit_env(shell: Shell) -> dict[str, str]:
    return shell.env(HOME=str(shell.workdir))


def test_the_unit_is_written_once_and_never_replaced_unasked(shell: Shell) -> None:
    done = shell.run("service", "install", env=unit_env(shell))
    path = shell.workdir / ".config" / "systemd" / "user" / "gavelq.service"
    assert done.returncode == 0, done.stderr
    assert "systemctl --user enable --now gavelq.service" in done.stdout
    assert "loginctl enable-linger" in done.stdout
    text = path.read_text()
    assert "KillMode=process\n" in text
    assert "Restart=on-failure\n" in text
    assert f"Environment=GAVELQ_HOME={shell.home}\n" in text
    assert shell.run("service", "install", env=unit_env(shell)).returncode == 0
    path.write_text("mine")
    assert shell.run("service", "install", env=unit_env(shell)).returncode == 6
    assert path.read_text() == "mine"
    assert shell.run("service", "install", "--force", env=unit_env(shell)).returncode == 0
    assert path.read_text() == text
    assert os.listdir(path.parent) == ["gavelq.service"]


def test_the_unit_can_be_printed_alone(shell: Shell) -> None:
    done = shell.run("service", "install", "--print", "--config", "c d.yaml", env=unit_env(shell))
    assert f'--config "{shell.workdir}/c d.yaml"' in done.stdout
    assert not (shell.workdir / ".config").exists()


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/usr/bin/python", "/usr/bin/python"),
        ("/a b/c", '"/a b/c"'),
        ("50%", "50%%"),
        ("$HOME", "$$HOME"),
        ('a"b\\', '"a\\"b\\\\"'),
        ("", '""'),
        ("a;b", '"a;b"'),
    ],
)
def test_words_of_a_unit_stand_for_themselves(word: str, written: str) -> None:
    assert quoted(word, is_command=True) == written


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_scripts_call_gavelq_back(shell: Shell, shell_name: str) -> None:
    done = shell.run("completion", shell_name)
    assert done.returncode == 0, done.stderr
    assert "_GAVELQ_COMPLETE" in done.stdout


def test_completion_completes_verbs_and_options(shell: Shell) -> None:
    def complete(line: str) -> list[str]:
        words = line.split(" ")
        env = shell.env(_GAVELQ_COMPLETE="bash_complete", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
        return [found.partition(",")[2] for found in shell.run(env=env).stdout.split()]

    assert complete("gavelq task l") == ["list", "logs"]
    assert "--gpu-count" in complete("gavelq submit --gpu")
    assert complete("gavelq list -s canc") == ["cancelled"]


def test_the_version_is_printed(shell: Shell) -> None:
    assert shell.run("--version").stdout == f"gavelq {__version__}\n"


def test_every_command_has_help(shell: Shell) -> None:
    root = click.Context(cli, info_name="gavelq")
    for path, command, ctx in reference.commands(cli, root):
        assert command.help, path
        assert command.get_help(ctx).startswith("Usage: gavelq"), path
    assert shell.run("submit", "--help").returncode == 0


def test_the_reference_in_docs_is_the_one_of_the_commands() -> None:
    assert DOCS.read_text() == reference.render(), "write it again: python -m gavelq.cli.reference > docs/cli.md"


@pytest.mark.parametrize(
    "name",
    """daemon init, daemon stop, daemon status, daemon restart, daemon run, serve, submit command, submit script,
    submit json, task list, task info, task why, task logs, task wait, task run, task hold, task kill, task rerun,
    task remove, gpu list, gpu info, gpu allocate, gpu release, gpu ignore, gpu unignore, gpu drain, queue list,
    queue status, queue create, queue set, queue delete, queue merge, queue move, queue priority, queue set-limit,
    queue pause, queue resume, status, list, cancel, logs, config show, config get, config set, config edit,
    config check, config unset, config path, service install, completion, backup""".replace("\n", " ").split(","),
)
def test_no_command_is_missing_from_the_reference(name: str) -> None:
    assert f"# gavelq {name.strip()}\n" in DOCS.read_text()


def test_a_new_configuration_is_private(shell: Shell) -> None:
    shell.run("config", "set", "settle_s", "3")
    assert stat.S_IMODE((shell.home / "config.yaml").stat().st_mode) == 0o600

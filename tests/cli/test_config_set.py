"""`gavelq config set` without a daemon: one setting, or several at once."""

import json

from tests.cli.conftest import Shell


def test_several_settings_are_written_together(shell: Shell) -> None:
    done = shell.run("config", "set", "rules.gpu_left=1", "foreign=avoid", "notify.urls=")
    assert done.returncode == 0, done.stderr
    assert [line.partition(" (in ")[0] for line in done.stdout.splitlines()] == [
        "rules.gpu_left: 1", "foreign.policy: avoid", "notify.urls: []",
    ]  # fmt: skip
    told = json.loads(shell.run("config", "set", "rules.min_gpu=1", "rules.max_gpu=2", "-o", "json").stdout)
    assert [(one["name"], one["value"]) for one in told] == [("rules.min_gpu", 1), ("rules.max_gpu", 2)]
    alone = json.loads(shell.run("config", "set", "rules.max_gpu=3", "-o", "json").stdout)
    assert (alone["name"], alone["value"]) == ("rules.max_gpu", 3)
    assert len(shell.run("config", "history").stdout.splitlines()) == 1 + 3 + 2 + 1


def test_a_value_may_hold_an_equals_sign(shell: Shell) -> None:
    shell.run("config", "set", "notify.urls", "https://127.0.0.1/?a=b")
    assert shell.run("config", "get", "notify.urls").stdout == '["https://127.0.0.1/?a=b"]\n'
    shell.run("config", "set", "notify.urls=https://127.0.0.1/?c=d")
    assert shell.run("config", "get", "notify.urls").stdout == '["https://127.0.0.1/?c=d"]\n'


def test_of_several_settings_all_or_none_are_written(shell: Shell) -> None:
    for words in (
        ("rules.gpu_left=1", "rules.nope=2"), ("rules.gpu_left=1", "rules.min_gpu=x"),
        ("rules.gpu_left=1", "rules.gpu_left=2"), ("rules.gpu_left=1", "2"), ("rules.gpu_left",), (),
    ):  # fmt: skip
        assert shell.run("config", "set", *words).returncode == 2, words
    assert shell.run("config", "get", "rules.gpu_left").stdout == "0\n"


def test_a_setting_that_the_environment_overrules_is_told_as_such(shell: Shell) -> None:
    env = shell.env(GAVELQ_RULES_GPU_LEFT="2")
    done = shell.run("config", "set", "rules.gpu_left=1", "rules.min_gpu=1", env=env)
    assert (done.returncode, done.stderr.count("note: ")) == (0, 1)
    assert "GAVELQ_RULES_GPU_LEFT in the environment wins" in done.stderr
    assert "GAVELQ_RULES_GPU_LEFT" in shell.run("config", "unset", "rules.gpu_left", env=env).stderr

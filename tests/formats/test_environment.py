"""What a task gets of its submitter's environment."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.formats.environment import capture, matches

SECRETS = """
HF_TOKEN GITHUB_TOKEN GAVELQ_TOKEN TOKEN SLACK_TOKEN_2 AWS_SECRET_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_SESSION_TOKEN
WANDB_API_KEY OPENAI_API_KEY OPENAI_API_KEY_2 PGPASSWORD DB_PASS MYSQL_PWD GOOGLE_APPLICATION_CREDENTIALS
SSH_PRIVATE_KEY npm_config__auth GITHUB_PAT SENTRY_DSN DATABASE_URL AZURE_STORAGE_CONNECTION_STRING GPG_PASSPHRASE
XDG_SESSION_COOKIE DOCKER_AUTH_CONFIG
"""
HARMLESS = """
PATH HOME PWD OLDPWD LANG SSH_AUTH_SOCK SSH_ASKPASS XAUTHORITY AWS_REGION AWS_PROFILE TOKENIZERS_PARALLELISM
MAX_NEW_TOKENS LD_LIBRARY_PATH CONDA_PREFIX VIRTUAL_ENV KEYBOARD DBUS_SESSION_BUS_ADDRESS GAVELQ_HOME GAVELQ_SOCKET
BASH_FUNC_module%% MONKEY COMPASS HF_HOME
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_secrets_stay_behind_and_are_named(name: str) -> None:
    assert capture({name: "x", "A": "1"}) == ({"A": "1"}, (name,))


@pytest.mark.parametrize("name", HARMLESS.split())
def test_what_is_no_secret_goes_along(name: str) -> None:
    assert capture({name: "x"}) == ({name: "x"}, ())


def test_names_to_keep_are_kept() -> None:
    env = {"HF_TOKEN": "a", "WANDB_API_KEY": "b"}
    assert capture(env, keep=["HF_TOKEN"]) == ({"HF_TOKEN": "a"}, ("WANDB_API_KEY",))
    assert capture(env, keep_all=True) == (env, ())


def test_what_belongs_to_the_surrounding_job_stays_behind_in_any_case() -> None:
    env = {
        "GAVELQ_TASK_ID": "1",
        "GAVELQ_GPUS": "0",
        "CUDA_VISIBLE_DEVICES": "0",
        "SLURM_JOB_ID": "7",
        "SLURM_NTASKS": "1",
    }
    assert capture(env, keep_all=True) == ({}, ("CUDA_VISIBLE_DEVICES", "SLURM_*"))


def test_what_no_program_can_be_given_stays_behind() -> None:
    env = {"BAD": "\udcff", "B\udcff": "x", "LONG": "x" * 131_072, "WIDE": "ä" * 65_536, "GOOD": "ä"}
    kept, dropped = capture(env)
    assert kept == {"GOOD": "ä"}
    assert dropped == ("BAD", "B\\udcff", "LONG", "WIDE")


def test_other_patterns_replace_the_usual_ones() -> None:
    env = {"HF_TOKEN": "1", "MY_X": "2", "MY_Y": "3", "EXACT": "4", "EXACTLY": "5", "a_b_c": "6"}
    kept, dropped = capture(env, patterns=["MY_*", "!MY_Y", "EXACT", "A*B*C", ""])
    assert dropped == ("EXACT", "MY_X", "a_b_c")
    assert set(kept) == {"HF_TOKEN", "MY_Y", "EXACTLY"}
    assert capture(env, patterns=["*"])[0] == {}
    assert capture(env, patterns=[]) == (env, ())


letters = st.text(alphabet="AB_", max_size=6)


@given(st.text(alphabet="AB_*", max_size=5), letters)
def test_the_matcher_agrees_with_fnmatch(pattern: str, name: str) -> None:
    from fnmatch import fnmatchcase

    assert matches(pattern, name) == fnmatchcase(name, pattern)
    if pattern:
        assert bool(capture({name: ""}, patterns=[pattern])[1]) == fnmatchcase(name, pattern)


def test_importing_it_costs_next_to_nothing() -> None:
    """It is on the path of every submit: nothing is loaded that is not there already."""
    code = (
        "import sys, gavelq.formats; before = set(sys.modules); import gavelq.formats.environment; "
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('gavelq')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONPATH": "src"})
    assert done.stdout.strip() == "[]", done.stderr

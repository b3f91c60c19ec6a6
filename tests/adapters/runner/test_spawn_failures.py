"""What cannot be started says why, names the thing, and leaves everything else alone."""

import os
from pathlib import Path

import pytest

from gavelq.core.events import AttemptEnded, AttemptStarted
from tests.adapters.runner.box import Box


def test_a_program_that_is_not_on_the_path_is_named(box: Box) -> None:
    box.spawn(1, (("no-such-program", "x"),))
    failure = box.failure(1)
    assert "'no-such-program'" in failure.problem
    assert "PATH" in failure.problem
    assert not failure.is_transient
    assert not box.of(AttemptStarted, 1)
    assert not box.of(AttemptEnded, 1)


def test_a_path_without_a_program_is_named(box: Box) -> None:
    box.spawn(1, (("/nowhere/program",),))
    assert "/nowhere/program" in box.failure(1).problem


def test_a_file_that_is_not_executable_is_named_with_the_fix(box: Box) -> None:
    (box.root / "plain").write_text("#!/bin/sh\n")
    box.spawn(1, (("./plain",),))
    assert "chmod +x" in box.failure(1).problem


def test_a_script_whose_interpreter_is_missing_says_so(box: Box) -> None:
    (box.root / "broken").write_text("#!/no/interpreter\n")
    (box.root / "broken").chmod(0o755)
    box.spawn(1, (("./broken",),))
    assert "interpreter" in box.failure(1).problem


def test_a_working_directory_that_is_gone_is_named_with_the_fix(box: Box) -> None:
    box.spawn(1, "true", workdir=str(box.root / "gone"))
    failure = box.failure(1)
    assert str(box.root / "gone") in failure.problem
    assert "create it" in failure.problem


@pytest.mark.parametrize("kind", ["directory", "below a file", "pipe", "two missing levels"])
def test_a_log_that_cannot_be_opened_is_named(box: Box, kind: str) -> None:
    path = box.root / "log"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "below a file":
        path.write_text("")
        path = path / "log"
    else:
        path = path / "a" / "b"
    box.spawn(1, "true", log_path=str(path))
    assert str(path) in box.failure(1).problem


def test_a_log_may_be_a_link_or_the_null_device(box: Box) -> None:
    (box.root / "link").symlink_to(box.root / "target")
    box.spawn(1, "echo x", log_path=str(box.root / "link"))
    box.spawn(2, "echo x", log_path="/dev/null")
    assert box.result(1).exit_code == box.result(2).exit_code == 0
    assert (box.root / "target").read_text() == "x\n"


def test_arguments_that_are_too_large_are_explained(box: Box) -> None:
    box.spawn(1, (("echo", "x" * (1 << 20)),))
    assert "too large" in box.failure(1).problem


def test_another_account_or_host_is_refused(box: Box) -> None:
    box.spawn(1, "true", account="somebody-else")
    box.spawn(2, "true", host="elsewhere.example")
    assert "somebody-else" in box.failure(1).problem
    assert "elsewhere.example" in box.failure(2).problem


def test_a_failed_start_is_kept_until_it_is_forgotten(box: Box) -> None:
    box.spawn(1, (("no-such-program",),))
    failure = box.failure(1)
    assert box.inventory() == {1: failure}
    box.forget(1)
    assert box.inventory() == {}


def test_a_nul_byte_is_refused_and_nothing_breaks(box: Box) -> None:
    box.spawn(1, (("echo", "a\0b"),))
    assert "NUL" in box.failure(1).problem
    box.spawn(2, "exit 7")
    assert box.result(2).exit_code == 7


def test_an_attempt_directory_that_cannot_be_made_is_a_transient_failure(box: Box) -> None:
    attempts = Path(f"/proc/{box.runner_pid}/fd")
    assert attempts.exists()
    (box.directory / "attempts").rmdir()
    box.spawn(1, "true")
    assert "attempts" in box.failure(1).problem

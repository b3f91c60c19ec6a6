"""`gavelq file list|show|new|put|edit|rename|duplicate|reset|delete` against a real daemon."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gavelq.client.sdk import Client
from gavelq.core.command_files import ChangedMeanwhile, FileNotStored
from tests.cli.conftest import Shell
from tests.cli.terminal import on_terminal
from tests.support.daemon import Box, box

TWO = "# 队列\n1\npython a.py # kept\n20 # 显存\n\nb\npython b.py\n8\n"
HEAD = "INDEX\tMODE\tNAME\tTASKS\tQUEUES\tMISTAKES\tRUNNING\tMODIFIED"


@pytest.fixture
def real() -> Iterator[Box]:
    """A daemon without any configuration."""
    with box() as instance:
        yield instance


@pytest.fixture
def shell(real: Box, tmp_path: Path) -> Shell:
    """Commands against that daemon."""
    return Shell(home=real.home, workdir=tmp_path)


def ok(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def file(shell: Shell, *words: str, stdin: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
    return shell.run("file", *words, stdin=stdin, env=shell.env(**env))


def rows(shell: Shell) -> list[list[str]]:
    """The list without its titles and times."""
    titles, *lines = ok(file(shell, "list")).splitlines()
    assert titles == HEAD
    return [line.split("\t")[:-1] for line in lines]


def stored(shell: Shell, word: str, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ok(file(shell, "show", word, "-o", "json", *options)))
    return found


def editor(directory: Path, script: str) -> str:
    """An editor that is a shell script; `$1` is the file."""
    path = directory / "editor"
    path.write_text(f"#!/bin/sh\nset -e\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_a_file_is_kept_listed_and_shown_as_it_was(shell: Shell) -> None:
    assert ok(file(shell, "list")) == HEAD + "\n"
    (shell.workdir / "sweep.txt").write_text(TWO)
    (shell.workdir / "gpus.txt").write_text("1\nrun {work_dir}\n2\n20\n")
    done = file(shell, "new", "sweep.txt", MY_TOKEN="secret")
    assert ok(done) == "configuration 1 of mode single (sweep.txt): new, 2 tasks in 2 queues\n"
    assert done.stderr == "left out of the environment: MY_TOKEN (keep with --env-keep NAME)\n"
    assert "of mode multi (gpus.txt): new, 1 task in 1 queue" in ok(file(shell, "new", "gpus.txt"))
    assert "(from here)" in ok(file(shell, "new", "-", "-n", "from here", stdin=TWO))
    assert rows(shell) == [
        ["1", "single", "sweep.txt", "2", "2", "-", "-"],
        ["2", "single", "from here", "2", "2", "-", "-"],
        ["1", "multi", "gpus.txt", "1", "1", "-", "-"],
    ]
    assert ok(file(shell, "show", "sweep.txt")) == TWO
    shown = stored(shell, "1", "--mode", "single")
    assert (shown["workdir"], shown["has_env"]) == (str(shell.workdir), True)
    assert [one["mode"] for one in json.loads(ok(file(shell, "list", "-o", "json")))] == ["single", "single", "multi"]
    assert len(ok(file(shell, "list", "--mode", "multi")).splitlines()) == 2


def test_a_number_that_both_modes_have_needs_the_mode(shell: Shell) -> None:
    for name in ("a.txt", "gpus.txt"):
        (shell.workdir / name).write_text("1\nx\n1\n2\n")
        ok(file(shell, "new", name))
    done = file(shell, "show", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "1 of mode single (a.txt), 1 of mode multi (gpus.txt)" in done.stderr
    assert "--mode" in done.stderr
    assert ok(file(shell, "show", "1", "--mode", "multi")) == ok(file(shell, "show", "gpus.txt"))
    done = file(shell, "show", "7")
    assert done.returncode == 3
    assert "gavelq file list" in done.stderr
    ok(file(shell, "duplicate", "a.txt", "-n", "gpus.txt"))
    assert file(shell, "show", "gpus.txt").returncode == 2, "a name that two have is refused, too"


def test_gbk_and_windows_files_are_kept_as_plain_utf_8(shell: Shell) -> None:
    (shell.workdir / "gbk.txt").write_bytes(TWO.replace("\n", "\r\n").encode("gbk"))
    done = file(shell, "new", "gbk.txt")
    assert "read as GBK" in done.stderr
    assert ok(file(shell, "show", "1")) == TWO


@pytest.mark.parametrize("content", [b"1\n\xff\xfe\xff\n20\n", b"1\na\0b\n20\n"], ids=["bytes", "nul"])
def test_bytes_that_are_no_text_are_refused_with_their_line(shell: Shell, content: bytes) -> None:
    (shell.workdir / "bad.txt").write_bytes(content)
    done = file(shell, "new", "bad.txt")
    assert done.returncode == 2
    assert "bad.txt:2: this is neither UTF-8 nor GBK text" in done.stderr
    assert rows(shell) == []


def test_a_file_with_mistakes_is_kept_and_they_are_named(shell: Shell) -> None:
    (shell.workdir / "wrong.txt").write_text("1\npython a.py\n20\n\n2\nx\n")
    done = file(shell, "new", "wrong.txt")
    assert done.returncode == 0
    assert "wrong.txt:6: block 2 (queue '2', from line 5): the block ends after 2 line(s)" in done.stderr
    assert "cannot be started with 1 mistake; correct it with: gavelq file edit 1 --mode single" in done.stderr
    assert rows(shell) == [["1", "single", "wrong.txt", "1", "1", "1", "-"]]


def test_put_replaces_a_text_and_makes_the_next_one(shell: Shell) -> None:
    (shell.workdir / "a.txt").write_text(TWO)
    assert "configuration 1 of mode single (a.txt): new" in ok(file(shell, "put", "1", "a.txt"))
    done = file(shell, "put", "3", "a.txt")
    assert done.returncode == 3
    assert "the next free number of mode single is 2" in done.stderr
    (shell.workdir / "b.txt").write_text("1\nx\n5\n")
    assert "(a.txt): has another text now, 1 task in 1 queue" in ok(file(shell, "put", "1", "b.txt"))
    assert ok(file(shell, "show", "1")) == "1\nx\n5\n"
    assert "back to its earlier text" in ok(file(shell, "reset", "1"))
    assert ok(file(shell, "show", "1")) == TWO
    assert "was not changed" in ok(file(shell, "reset", "1"))


def test_renaming_copying_and_deleting(shell: Shell) -> None:
    ok(file(shell, "new", "-", "-n", "a", stdin=TWO))
    ok(file(shell, "duplicate", "a"))
    ok(file(shell, "duplicate", "1", "-n", "c"))
    assert "called ../b now" in ok(file(shell, "rename", "2", "../b"))
    assert [row[2] for row in rows(shell)] == ["a", "../b", "c"]
    assert (
        ok(file(shell, "delete", "../b"))
        == "configuration 2 of mode single (../b): deleted; 1 behind it moved up by one\n"
    )
    assert [row[:3] for row in rows(shell)] == [["1", "single", "a"], ["2", "single", "c"]]
    done = file(shell, "delete", "1")
    assert done.returncode == 6
    assert "the first configuration cannot be deleted" in done.stderr
    gone = json.loads(ok(file(shell, "delete", "c", "-o", "json")))
    assert (gone["name"], gone["n_moved"]) == ("c", 0)


def test_on_a_terminal_a_person_is_asked_before_something_is_lost(shell: Shell) -> None:
    for name in ("a", "b"):
        ok(file(shell, "new", "-", "-n", name, stdin=TWO))
    screen = on_terminal(shell, "file", "delete", "b", typed="n\n")
    assert screen.code == 1
    assert "delete configuration 2 of mode single (b) with its 2 tasks? [y/N]" in screen.text
    ok(file(shell, "put", "1", "-", stdin="1\nx\n5\n"))
    assert on_terminal(shell, "file", "reset", "1", typed="n\n").code == 1
    assert ok(file(shell, "show", "1")) == "1\nx\n5\n"
    assert len(rows(shell)) == 2
    assert on_terminal(shell, "file", "delete", "b", typed="y\n").code == 0
    assert len(rows(shell)) == 1


def test_control_characters_of_a_text_do_not_steer_the_terminal(shell: Shell) -> None:
    text = "1\necho \x1b]0;evil\x07\n5\n"
    ok(file(shell, "new", "-", stdin=text))
    assert "\x1b]0;" not in on_terminal(shell, "file", "show", "1").text
    assert ok(file(shell, "show", "1")) == text, "a pipe gets it as it is"


def test_edit_stores_what_was_written(shell: Shell, tmp_path: Path) -> None:
    ok(file(shell, "new", "-", "-n", "../evil/a b", stdin=TWO))
    where = tmp_path / "where"
    ours = editor(tmp_path, f'echo "$1" > {where}; stat -c %a "$(dirname "$1")" >> {where}; sed -i s/a.py/c.py/ "$1"')
    done = file(shell, "edit", "1", VISUAL=ours)
    assert "changed, 2 tasks in 2 queues" in ok(done)
    assert ok(file(shell, "show", "1")) == TWO.replace("a.py", "c.py")
    path, mode = where.read_text().split("\n")[:2]
    assert os.path.basename(path) == "_evil_a_b.txt"
    assert mode == "700"
    assert not os.path.exists(os.path.dirname(path)), "nothing is left behind"
    done = file(shell, "edit", "1", VISUAL="true")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "nothing was changed\n")
    done = file(shell, "edit", "1", VISUAL="false")
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr


def test_an_edit_beside_another_change_loses_neither(shell: Shell, real: Box, tmp_path: Path) -> None:
    ok(file(shell, "new", "-", "-n", "a", stdin=TWO))
    put = tmp_path / "put.py"
    put.write_text(
        "from gavelq.client.sdk import Client\n"
        f"Client(socket={str(shell.socket)!r}).put_file('single', 0, '1\\nquicker\\n5\\n')\n"
    )
    ours = editor(tmp_path, f'printf "1\\nmine\\n5\\n" > "$1"; {sys.executable} {put}')
    done = file(shell, "edit", "1", "-o", "json", VISUAL=ours)
    assert done.returncode == 6
    error = json.loads(done.stderr)["error"]
    kept = Path(error["details"]["kept"])
    assert error["code"] == "changed_meanwhile"
    assert f"your text is kept in {kept}" in error["hint"]
    assert f"gavelq file put 1 --mode single {kept}" in error["hint"]
    assert ok(file(shell, "show", "1")) == "1\nquicker\n5\n"
    assert kept.read_text() == "1\nmine\n5\n"
    ok(file(shell, "put", "1", "--mode", "single", str(kept)))
    assert ok(file(shell, "show", "1")) == "1\nmine\n5\n"
    kept.unlink()
    kept.parent.rmdir()


def test_mistakes_are_told_after_saving_and_may_be_corrected_at_once(shell: Shell, tmp_path: Path) -> None:
    ok(file(shell, "new", "-", "-n", "a", stdin=TWO))
    # The first time it breaks the file, the second time it mends it.
    ours = editor(tmp_path, 'if grep -q broken "$1"; then printf "1\\nfine\\n5\\n" > "$1"; else echo broken > "$1"; fi')
    screen = on_terminal(shell, "file", "edit", "1", typed="y\n", VISUAL=ours)
    assert screen.code == 0, screen.text
    assert "a:1: block 1 (queue 'broken', from line 1): the block ends after 1 line(s)" in screen.text.replace(
        "\r\n", " "
    )
    assert "edit it again? [y/N]" in screen.text
    assert ok(file(shell, "show", "1")) == "1\nfine\n5\n"


def test_programs_keep_files_as_people_do(real: Box) -> None:
    client = Client(socket=real.socket)
    first = client.new_file("single", TWO, name="a")
    second = client.duplicate_file("single", 0, name="b")
    assert client.files("single")[1]["name"] == "b"
    assert client.check_file("single", "1\nx\n")["mistakes"][0]["line"] == 2
    edited = client.put_file("single", 1, "1\nx\n5\n", etag=second["etag"])
    assert client.file("single", 1) == edited
    with pytest.raises(ChangedMeanwhile):
        client.put_file("single", 1, "other", etag=second["etag"])
    with pytest.raises(ChangedMeanwhile):
        client.delete_file("single", 1, etag=second["etag"])
    assert client.reset_file("single", 1)["content"] == TWO
    assert client.delete_file("single", 1)["n_moved"] == 0
    with pytest.raises(FileNotStored):
        client.file("single", 1)
    assert [found["etag"] for found in client.files("single")] == [first["etag"]]

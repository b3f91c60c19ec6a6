"""`gavelq simulate --plot --report`: which files it writes, and which it leaves alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gavelq.cli import drawing
from gavelq.core.errors import InvalidField
from tests.cli.conftest import Shell as Shell
from tests.cli.conftest import shell as shell


@pytest.fixture
def load(shell: Shell) -> Path:
    path = shell.workdir / "load.csv"
    path.write_text("submit_s,duration_s,gpus\n0,100,1\n10,100,2\n20,40,1\n")
    return path


def test_a_plot_and_a_report_are_written_and_ours_are_written_again(shell: Shell, load: Path) -> None:
    svg, page = shell.workdir / "out.svg", shell.workdir / "out.html"
    words = ("simulate", str(load), "--gpus", "2", "--policy", "fair,fifo", "--plot", str(svg), "--report", str(page))
    first = shell.run(*words)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("POLICY")
    drawn = svg.read_bytes()
    assert b"</svg>" in drawn
    assert f"--report {page}" in page.read_text()
    again = shell.run(*words[:4], "--plot", str(svg), "--report", str(page))
    assert again.returncode == 0, again.stderr
    assert svg.read_bytes() != drawn, "one policy instead of two"
    assert sorted(one.name for one in shell.workdir.iterdir() if "out" in one.name) == ["out.html", "out.svg"]


def test_a_png_is_known_again_too_and_a_link_stays_one(shell: Shell, load: Path) -> None:
    there, link = shell.workdir / "there.png", shell.workdir / "link.png"
    link.symlink_to(there)
    for _ in range(2):
        done = shell.run("simulate", str(load), "--gpus", "2", "--plot", str(link))
        assert done.returncode == 0, done.stderr
    assert link.is_symlink()
    assert there.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--plot", "load.csv", "does not end in .svg or .png"),
        ("--report", "page.svg", "does not end in .html or .htm"),
        ("--plot", "none/out.svg", "there is no directory"),
        ("--report", "mine.html", "is there already, and not written by gavelq simulate"),
        ("--report", "directory.html", "is there already, and not written by gavelq simulate"),
    ],
)
def test_what_is_not_ours_is_left_alone_and_told_before_anything_is_simulated(
    shell: Shell, load: Path, option: str, name: str, said: str
) -> None:
    mine = shell.workdir / "mine.html"
    mine.write_text("<p>my own page</p>")
    (shell.workdir / "directory.html").mkdir()
    done = shell.run("simulate", str(load), "--gpus", "2", option, str(shell.workdir / name))
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stdout == ""
    assert mine.read_text() == "<p>my own page</p>"


def test_a_directory_that_takes_no_files_is_told_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def may(path: str, mode: int) -> bool:
        return os.path.realpath(path) != str(tmp_path) or not mode & os.W_OK

    monkeypatch.setattr(os, "access", may)  # the tests may be run by root, who writes everywhere
    with pytest.raises(InvalidField, match=r"report: .*out\.html cannot be written: Permission denied"):
        drawing.check(None, str(tmp_path / "out.html"), is_queue=False)


def test_without_matplotlib_it_names_the_command_that_installs_it(load: Path) -> None:
    words = ["simulate", str(load), "--gpus", "2", "--plot", str(load.parent / "out.svg")]
    program = (
        f"import sys; sys.modules['matplotlib'] = None; from gavelq.cli.main import main; sys.exit(main({words!r}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=dict(os.environ), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "pip install 'gavelq[plot]'" in done.stderr
    assert not (load.parent / "out.svg").exists()


def test_without_a_picture_matplotlib_is_not_needed(load: Path) -> None:
    words = ["simulate", str(load), "--gpus", "2"]
    program = (
        f"import sys; sys.modules['matplotlib'] = None; from gavelq.cli.main import main; sys.exit(main({words!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_forecast_of_the_queue_is_not_drawn(shell: Shell) -> None:
    done = shell.run("simulate", "--queue", "--plot", str(shell.workdir / "out.svg"))
    assert done.returncode == 2
    assert "a forecast of the queue is a table" in done.stderr

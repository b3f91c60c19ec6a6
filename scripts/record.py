"""Types commands into a terminal of 80 columns and records what appears: the transcripts of README, docs/terminal.svg.

`scripts/record.py FILE` runs the lines of a file one by one in one bash (a `#` line is a comment, `!SECONDS` a pause)
and prints a transcript; with `--svg OUT.svg` it draws the transcript as a picture, colours included.
"""

import argparse
import fcntl
import html
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COLUMNS = 80
PROMPT = "$ "
MARK = "\x1e"
CODES = {"1": "font-weight:bold", "2": "opacity:.7", "31": "fill:#e06c75", "32": "fill:#98c379", "33": "fill:#e5c07b",
         "34": "fill:#61afef", "35": "fill:#c678dd", "36": "fill:#56b6c2"}  # fmt: skip
"""What our own output uses of ECMA-48's SGR codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command, what appeared while it ran (with its escape sequences), and its exit code."""

    command: str
    output: str
    code: int


def record(lines: Iterable[str], *, env: Mapping[str, str] = os.environ, cwd: Path | None = None) -> Iterator[Typed]:
    """Run the lines in one bash on a pseudo-terminal, one after another."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
    settings = termios.tcgetattr(follower)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(follower, termios.TCSANOW, settings)
    shell = subprocess.Popen(
        ["bash", "--norc", "--noediting"], stdin=follower, stdout=follower, stderr=follower, cwd=cwd,
        env={**env, "TERM": "xterm-256color", "PS1": "", "PS2": ""}, start_new_session=True,
    )  # fmt: skip
    os.close(follower)
    try:
        for line in lines:
            if line.startswith("!"):
                time.sleep(float(line[1:]))
                continue
            os.write(leader, f"{line}\nprintf '{MARK}%s{MARK}' $?\n".encode())
            output, code, _ = _until_marks(leader).replace("\r\n", "\n").split(MARK)
            yield Typed(command=line, output=output, code=int(code))
    finally:
        shell.kill()
        shell.wait()
        os.close(leader)


def _until_marks(leader: int) -> str:
    seen = b""
    while seen.count(MARK.encode()) < 2:
        seen += os.read(leader, 65536)
    return seen.decode("utf-8", "replace")


def plain(transcript: str) -> str:
    """A transcript without its escape sequences and trailing blanks."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", transcript)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"


def svg(transcript: str) -> str:
    """A transcript as a picture of a terminal."""
    lines = transcript.rstrip("\n").split("\n")
    width, height = COLUMNS * 8.43 + 32, len(lines) * 19 + 52
    rows = [
        f'<text x="16" y="{52 + at * 19}" xml:space="preserve">{_spans(line)}</text>' for at, line in enumerate(lines)
    ]
    dots = "".join(f'<circle cx="{20 + 20 * n}" cy="18" r="6" fill="{c}"/>' for n, c in enumerate(_DOTS))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" role="img" '
        f'aria-label="a terminal with gavelq at work">\n'
        "<style>text{font:14px 'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#d7dae0}</style>\n"
        f'<rect width="100%" height="100%" rx="8" fill="#21252b"/>\n{dots}\n' + "\n".join(rows) + "\n</svg>\n"
    )


_DOTS = ("#e06c75", "#e5c07b", "#98c379")


def _spans(line: str) -> str:
    style, parts = "", []
    for piece in re.split(r"(\x1b\[[0-9;?]*[A-Za-z])", line.replace("\r", "")):
        if piece.startswith("\x1b"):
            codes = piece[2:-1].split(";") if piece.endswith("m") else []
            style = ";".join(CODES[code] for code in codes if code in CODES)
        elif piece:
            text = html.escape(piece)
            parts.append(f'<tspan style="{style}">{text}</tspan>' if style else text)
    return (
        "".join(parts) if not line.startswith(PROMPT) else f'<tspan style="font-weight:bold">{"".join(parts)}</tspan>'
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--svg", type=Path)
    options = parser.parse_args()
    lines = [line for line in options.file.read_text().splitlines() if line and not line.startswith("#")]
    transcript = "".join(f"{PROMPT}{typed.command}\n{typed.output}" for typed in record(lines))
    sys.stdout.write(plain(transcript))
    if options.svg:
        options.svg.write_text(svg(transcript))


if __name__ == "__main__":
    main()

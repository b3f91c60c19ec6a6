"""Which program runs a script."""

import pytest

from gavelq.formats.script import interpreter


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a", b"#!/bin/bash\necho", ("/bin/bash",)),
        ("a.py", b"#!/bin/sh -e\n", ("/bin/sh", "-e")),
        ("a", b"#! /usr/bin/python3 -u -X dev\n", ("/usr/bin/python3", "-u -X dev")),
        ("a", b"#!/usr/bin/env python3\n", ("python3",)),
        ("a", b"#!/usr/bin/env python3\r\n", ("python3",)),
        ("a", b"#!/usr/bin/env -S python3 -u '-X a'\n", ("python3", "-u", "-X a")),
        ("a", b"#!/usr/bin/env -S A=1 python3\n", ("env", "A=1", "python3")),
        ("a", b"#!/usr/bin/env --split-string=python3 -u\n", ("python3", "-u")),
        ("a", b"#!/usr/bin/env\tpython3", ("python3",)),
        ("a", b"\xef\xbb\xbf#!/bin/zsh\n", ("/bin/zsh",)),
        ("a.py", b"print()", ("python3",)),
        ("a.PY", b"", ("python3",)),
        ("a.sh", b"echo", ("bash",)),
        ("a.bash", b"echo", ("bash",)),
        ("a.zsh", b"echo", ("zsh",)),
        ("a.pl", b"echo", ("perl",)),
        ("a.R", b"echo", ("Rscript",)),
        ("a.jl", b"echo", ("julia",)),
        ("a", b"echo", ("bash",)),
        ("a.unknown", b"echo", ("bash",)),
        (".py", b"echo", ("python3",)),
        ("a.py", b"#!\n", ("python3",)),
        ("a.py", b"#!/bin/\xff\n", ("python3",)),
        ("a.py", b"#!/usr/bin/env -S\n", ("python3",)),
        ("a.py", b"#!/bin/x\0y\n", ("python3",)),
        ("a.py", b"# not #!/bin/sh", ("python3",)),
        ("a", b"#!/usr/bin/env -S 'unbalanced\n", ("'unbalanced",)),
    ],
)
def test_the_first_line_decides_then_the_suffix(name: str, content: bytes, expected: tuple[str, ...]) -> None:
    assert interpreter(name, content) == expected


def test_an_endless_first_line_is_read_to_a_bound() -> None:
    assert len(interpreter("a", b"#!/" + b"x" * 10_000_000)[0]) < 5000

"""`gavelq simulate --python FILE`: the same command in another interpreter, such as PyPy."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from gavelq.core.errors import InvalidField

_CODE = """\
import sys
if sys.version_info < (3, 11):
    sys.stderr.write("gavelq: python: that is version %d.%d of Python\\n" % sys.version_info[:2])
    sys.stderr.write("hint: name one of 3.11 or newer, such as pypy3 of Debian 13\\n")
    sys.exit(2)
try:
    import pypyjit
except ImportError:
    pass
else:
    pypyjit.set_param("threshold=100,function_threshold=150,trace_eagerness=30")
sys.path += [sys.argv.pop(1), sys.argv.pop(1)]
sys.argv[0] = "gavelq"
from gavelq.cli.main import main
sys.exit(main())
"""
"""What the other interpreter runs. PyPy waits ten times as long by itself until it compiles what is run often: most
traces would be over by then.
"""
_ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), *[os.pardir] * 2))


def simulate_with(python: str) -> NoReturn:
    """Become that interpreter, with this process's command line but for the option itself.

    Gavelq and click are those of this interpreter: the simulator needs nothing else, and both are plain Python. Raises
    InvalidField where there is no such program.
    """
    path = shutil.which(os.path.expanduser(python))
    hint = "name an interpreter of Python 3.11 or newer, such as pypy3 or /opt/pypy3.11/bin/pypy3"
    if path is None:
        raise InvalidField(field="python", problem=f"{python!r:.200} is no program that can be run", hint=hint)
    packages = os.path.dirname(os.path.dirname(os.path.abspath(click.__file__)))
    words = _without("--python", sys.argv[1:])
    try:
        os.execv(path, [path, "-I", "-S", "-X", "utf8", "-c", _CODE, _ROOT, packages, *words])  # noqa: S606  # no shell on purpose
    except OSError as error:
        raise InvalidField(field="python", problem=f"{path} cannot be run: {error.strerror}", hint=hint) from None


def _without(option: str, words: Sequence[str]) -> list[str]:
    """The words without the option and its value, however it is written."""
    found, is_value = [], False
    for word in words:
        if is_value:
            is_value = False
        elif word == option:
            is_value = True
        elif not word.startswith(f"{option}="):
            found.append(word)
    return found

"""The `gavelq` command. Nearly nothing is imported here: the hot verbs answer before click would have been loaded."""

import gc
import os
import sys

_IS_CPYTHON = sys.implementation.name == "cpython"
"""PyPy (`gavelq simulate --python`) collects garbage in a way of its own."""


def main(argv: list[str] | None = None) -> int:
    """Carry out a command line (default: the process's own) and return its exit code (SPEC section 4)."""
    words = sys.argv[1:] if argv is None else argv
    if _IS_CPYTHON:
        gc.set_threshold(20_000)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller: `>&-`
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # as long as the process
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return _cannot_write(error)
    if _IS_CPYTHON and argv is None:
        gc.freeze()  # the process ends: Python need not look through all that it frees (2 ms of 30)
    return code


def _cannot_write(error: OSError) -> int:
    """The standard output took no more. Python would complain again while flushing at exit."""
    from errno import ENOSPC, EPIPE

    if error.errno not in (EPIPE, ENOSPC) or error.filename is not None:
        raise error
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno == EPIPE:
        return 141  # the reader (head, less) has seen enough: as if by SIGPIPE
    sys.stderr.write("gavelq: the output cannot be written: no space left on the device\n")
    return 1


def _run(words: list[str]) -> int:
    try:
        from gavelq.cli.hot.verbs import run

        code = run(words)
        if code is None:
            from gavelq.cli.app import run_click

            code = run_click(words)
    except Exception as error:
        from gavelq.core.errors import GavelqError

        if not isinstance(error, GavelqError):
            raise
        from gavelq.cli.output.failure import tell, wants_json

        code = tell(error, is_json=wants_json(words))
    return code


if __name__ == "__main__":
    sys.exit(main())

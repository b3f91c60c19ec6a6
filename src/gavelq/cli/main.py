"""The `gavelq` command. Nearly nothing is imported here: the hot verbs answer before click would have been loaded."""

import os
import sys


def main(argv: list[str] | None = None) -> int:
    """Carry out a command line (default: the process's own) and return its exit code (SPEC section 4)."""
    words = sys.argv[1:] if argv is None else argv
    code = 1
    try:
        code = _run(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain again while flushing at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 141
    return code


def _run(words: list[str]) -> int:
    try:
        from gavelq.cli.hot.verbs import run

        code = run(words)
        if code is None:
            from gavelq.cli.app import run_click

            code = run_click(words)
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except Exception as error:
        from gavelq.core.errors import GavelqError

        if not isinstance(error, GavelqError):
            raise
        from gavelq.cli.output.failure import tell, wants_json

        code = tell(error, is_json=wants_json(words))
    return code


if __name__ == "__main__":
    sys.exit(main())

"""Functions that tests submit; pickled by reference, so the task has to find this module."""

import os
import signal
import sys


def times(number: int, by: int = 2) -> int:
    """A product."""
    sys.stdout.write(f"{number} times {by}\n")
    return number * by


def add(one: int, other: int) -> int:
    """A sum."""
    return one + other


def fail(text: str) -> None:
    """Raise."""
    raise KeyError(text)


def surroundings() -> dict[str, str | None]:
    """What the task sees."""
    return {"cwd": os.getcwd(), "gpus": os.environ.get("GAVELQ_GPUS"), "mark": os.environ.get("TEST_MARK")}


def die(number: int = signal.SIGKILL) -> None:
    """End without a word of Python's."""
    os.write(1, b"last words\n")
    os.kill(os.getpid(), number)


def pass_gate(gate: str) -> str:
    """Wait for a line from a fifo."""
    os.write(1, b"at the gate\n")
    with open(gate) as file:
        return file.readline().strip()


def fork_and_leave() -> str:
    """A child that ends with SystemExit is not the call's end."""
    child = os.fork()
    if child == 0:
        raise SystemExit(3)
    _, status = os.waitpid(child, 0)
    return f"the child left with {os.waitstatus_to_exitcode(status)}"


def try_again() -> int:
    """Fail in the first attempt."""
    attempt = int(os.environ["GAVELQ_ATTEMPT"])
    if attempt == 1:
        raise RuntimeError("not yet")
    return attempt


def fail_then_die() -> None:
    """An outcome in the first attempt, none in the second."""
    if os.environ["GAVELQ_ATTEMPT"] == "1":
        raise RuntimeError("the first attempt's")
    die()


class Unreadable:
    """Can be sent, and not be received."""

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (int, ("not a number",))


def unreadable() -> Unreadable:
    """Return what the caller cannot read."""
    return Unreadable()


def unsendable() -> object:
    """Return what cannot be pickled."""
    return (number for number in range(3))

"""Signals by name or number, and which of them end a task. Numbers of Linux on x86 and Arm (signal(7))."""

from gavelq.core.errors import InvalidField

NUMBERS = {
    "HUP": 1, "INT": 2, "QUIT": 3, "ABRT": 6, "KILL": 9, "USR1": 10, "USR2": 12, "ALRM": 14, "TERM": 15,
    "CONT": 18, "STOP": 19, "TSTP": 20, "WINCH": 28,
}  # fmt: skip
ENDING = frozenset({1, 2, 3, 6, 9, 15})
"""Signals that mean: end. After the grace time the whole tree is killed. Others are only delivered."""


_FAULTS = {
    4: "SIGILL",
    5: "SIGTRAP",
    7: "SIGBUS",
    8: "SIGFPE",
    11: "SIGSEGV",
    13: "SIGPIPE",
    24: "SIGXCPU",
    25: "SIGXFSZ",
}
"""Others that end programs; tasks are not sent these."""


def parse_signal(value: object, *, field: str = "signal") -> tuple[int, bool]:
    """A signal's number and whether it ends a task; None means TERM. Raises InvalidField."""
    if value is None:
        return NUMBERS["TERM"], True
    written = str(value).strip().upper().removeprefix("SIG")
    number = NUMBERS.get(written)
    if number is None and written.isdigit() and int(written) in NUMBERS.values():
        number = int(written)
    if number is None:
        raise InvalidField(
            field=field, problem=f"{str(value)[:40]!r} is not a signal that tasks can be sent",
            hint=f"use one of {', '.join(NUMBERS)}",
        )  # fmt: skip
    return number, number in ENDING


def signal_name(number: int) -> str:
    """`15` as `SIGTERM`; a number without a name as `signal N`."""
    sent = next((f"SIG{name}" for name, n in NUMBERS.items() if n == number), None)
    return sent or _FAULTS.get(number, f"signal {number}")

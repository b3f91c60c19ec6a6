"""What is known about an attempt before it starts; kept in its lock file for the next runner.

The format is that of /proc/PID/environ: NAME=VALUE entries, each ended by a zero byte, some of them repeated; an empty
entry ends them. Not JSON: its encoder would be one more thing that every fork of the runner drags along.
"""

import os

from gavelq.adapters.runner import linux, wire

_MARKS = ("GAVELQ_TASK_ID", "GAVELQ_ATTEMPT", "GAVELQ_SOCKET")


class Facts:
    """About one attempt."""

    __slots__ = ("boot_id", "claims", "grace_s", "log_max_bytes", "log_path", "marks", "n_steps", "since_ticks")

    def __init__(self, spawn: wire.Spawn | None, boot_id: str) -> None:
        """About a request that is about to be carried out; None: `read` fills them in."""
        self.boot_id = boot_id
        # A tick earlier: the kernel rounds down, and so do we.
        self.since_ticks = max(0, int(linux.boottime() * linux.TICKS_PER_S) - 1)
        """Every process of the attempt started at or after this (clock ticks after boot)."""
        self.claims: tuple[str, ...] = spawn.claims if spawn else ()
        self.grace_s = spawn.grace_s if spawn else 0.0
        self.log_path = spawn.log_path if spawn else ""
        self.log_max_bytes = spawn.log_max_bytes if spawn else 0
        self.n_steps = len(spawn.steps) if spawn else 0
        self.marks: tuple[str, ...] = ()
        """NAME=VALUE entries of the environment that no other attempt has; empty where one of them is missing."""
        if spawn and not spawn.is_lease and all(name in spawn.env for name in _MARKS):
            self.marks = tuple([f"{name}={spawn.env[name]}" for name in _MARKS])

    @property
    def is_lease(self) -> bool:
        """Nothing of it runs but its supervisor: a command has at least one step."""
        return self.n_steps == 0

    def as_bytes(self) -> bytes:
        """What `read` reads back."""
        entries = [
            f"boot_id={self.boot_id}",
            f"since_ticks={self.since_ticks}",
            f"grace_s={self.grace_s!r}",
            f"n_steps={self.n_steps}",
            f"log_max_bytes={self.log_max_bytes}",
            f"log_path={self.log_path}",
            *[f"claim={uuid}" for uuid in self.claims],
            *[f"mark={mark}" for mark in self.marks],
        ]
        return os.fsencode("\0".join(entries)) + b"\0\0"

    @staticmethod
    def read(content: bytes) -> tuple["Facts | None", bool]:
        """The facts, None where they are not whole; and whether anything was written behind them."""
        head, end, behind = content.partition(b"\0\0")
        entries = [os.fsdecode(entry).partition("=") for entry in head.split(b"\0")]
        single = {name: value for name, _, value in entries}
        try:
            facts = Facts(None, single["boot_id"])
            facts.since_ticks = int(single["since_ticks"])
            facts.grace_s = float(single["grace_s"])
            facts.n_steps = int(single["n_steps"])
            facts.log_max_bytes = int(single["log_max_bytes"])
            facts.log_path = single["log_path"]
        except (KeyError, ValueError):
            return None, bool(behind)
        facts.claims = tuple([value for name, _, value in entries if name == "claim"])
        facts.marks = tuple([value for name, _, value in entries if name == "mark"])
        return (facts if end else None), bool(behind)

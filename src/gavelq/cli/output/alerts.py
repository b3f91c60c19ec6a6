"""Alerts as tables."""

import sys

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_FIRING = (
    Column("SINCE"), Column("SEVERITY"), Column("RULE"), Column("ABOUT", is_soft=True),
    Column("MUTED", is_optional=True), Column("TEXT", is_soft=True),
)  # fmt: skip
_RECENT = (Column("TIME"), Column("EVENT"), Column("RULE"), Column("ABOUT", is_soft=True), Column("TEXT", is_soft=True))
_MUTES = (Column("UNTIL"), Column("RULE"), Column("ABOUT", is_soft=True), Column("BY"), Column("REASON", is_soft=True))
_TESTED = (Column("CHANNEL"), Column("DELIVERED"), Column("PROBLEM", is_optional=True, is_soft=True))


def print_alerts(found: "dict[str, Any]", *, is_recent: bool) -> None:
    """Print what fires, or what happened lately; on a terminal also mutes and how to see more."""
    if is_recent:
        print_table(_RECENT, [
            (local(one["at"]), one["event"], one["rule"] or "-", one["subject"] or "-", one["text"] or "-")
            for one in found["recent"]
        ])  # fmt: skip
        return
    print_table(_FIRING, [
        (
            local(one["fired_at"]), one["severity"], one["rule"], one["subject"], "muted" if one["is_muted"] else "-",
            one["text"],
        )
        for one in found["firing"]
    ])  # fmt: skip
    if not sys.stdout.isatty():
        return
    if not found["firing"]:
        say("no alert fires")
    if found["mutes"]:
        say("")
        print_mutes(found["mutes"])
    if found["is_quiet"]:
        say("these are quiet hours: only critical alerts are told")


def print_mutes(mutes: "Iterable[dict[str, Any]]") -> None:
    """Print mutes."""
    print_table(_MUTES, [
        (local(one["until"]), one["rule"] or "(all)", one["subject"] or "(all)", one["by"], one["reason"] or "-")
        for one in mutes
    ])  # fmt: skip


def print_tested(tested: "list[dict[str, Any]]") -> None:
    """Print what became of a test of the channels."""
    print_table(_TESTED, [
        (one["channel"], "yes" if one["delivered"] else "no", one["problem"] or "-") for one in tested
    ])  # fmt: skip


def mute_told(mute: "dict[str, Any]") -> str:
    """A mute in a sentence."""
    what = f"{mute['rule'] or 'all rules'}, {mute['subject'] or 'all subjects'}"
    return safe(f"muted until {local(mute['until'])}: {what}")

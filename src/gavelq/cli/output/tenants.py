"""Tenants, tokens and acts as tables."""

import sys

from gavelq.cli.output.table import Column, print_table
from gavelq.cli.output.text import say
from gavelq.cli.output.times import duration, local, memory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_TENANTS = (
    Column("TENANT"),
    Column("ROLE"),
    Column("USER", is_optional=True),
    Column("WEIGHT", is_right=True),
    Column("GPUS", is_right=True),
    Column("MEMORY", is_right=True),
    Column("RUNNING", is_right=True),
    Column("QUEUED", is_right=True),
    Column("GPU-HOURS", is_right=True),
    Column("TOKENS", is_right=True, is_optional=True),
    Column("DESCRIPTION", is_optional=True, is_soft=True),
)
_TOKENS = (
    Column("ID", is_right=True),
    Column("TOKEN"),
    Column("TENANT"),
    Column("NAME", is_optional=True, is_soft=True),
    Column("SCOPES"),
    Column("EXPIRES"),
    Column("LAST USED"),
    Column("MADE BY", is_optional=True, is_spare=True),
)
_ACTS = (Column("TIME"), Column("WHAT"), Column("ABOUT", is_soft=True), Column("BY"), Column("DETAILS", is_soft=True))


def print_tenants(tenants: "Iterable[dict[str, Any]]") -> None:
    """Print tenants: each amount with its limit behind a slash."""
    rows = [
        (
            one["name"],
            one["role"],
            _user(one),
            f"{one['weight']:g}",
            _of(one["use"]["gpus"], one["quota"]["max_gpus"]),
            _memory(one),
            _of(one["use"]["running"], one["quota"]["max_running"]),
            _of(one["use"]["queued"], one["quota"]["max_queued"]),
            _of(f"{one['use']['gpu_hours']:.1f}", one["quota"]["gpu_hours"]),
            str(one["n_tokens"] or "-"),
            one["description"] or "-",
        )
        for one in tenants
    ]
    print_table(_TENANTS, rows)


def fields_of(one: "dict[str, Any]") -> "list[tuple[str, str]]":
    """A tenant, for print_fields."""
    quota, use = one["quota"], one["use"]
    window = duration(quota["window_s"])
    return [
        ("tenant", one["name"]),
        ("role", one["role"]),
        ("unix user", _user(one)),
        ("description", one["description"] or "-"),
        ("weight", f"{one['weight']:g}"),
        ("isolation", one["isolation"] + (", enforced" if one["enforce"] else "")),
        ("login", "by password" if one["has_password"] else "no password"),
        ("tokens", str(one["n_tokens"])),
        ("GPUs", _of(use["gpus"], quota["max_gpus"])),
        ("GPU memory", _memory(one)),
        ("running", _of(use["running"], quota["max_running"])),
        ("queued", _of(use["queued"], quota["max_queued"])),
        ("GPU-hours", f"{_of(format(use['gpu_hours'], '.1f'), quota['gpu_hours'])} within {window}"),
        ("priority", _most(quota["max_priority"])),
        ("time limit", "-" if quota["max_time_limit_s"] is None else f"at most {duration(quota['max_time_limit_s'])}"),
        ("queues", ", ".join(quota["queues"]) or "-"),
        ("only GPUs", ", ".join(str(index) for index in quota["gpus"]) or "-"),
        ("made", local(one["created_at"])),
    ]


def told_of(one: "dict[str, Any]") -> "list[str]":
    """A tenant in a few words: its role, and what it is limited to."""
    words = [one["role"]]
    words += [f"unix user {_user(one)}"] if one["uid"] is not None else []
    for name, value in one["quota"].items():
        if name != "window_s" and value not in (None, []):
            shown = ",".join(map(str, value)) if isinstance(value, list) else f"{value:g}"
            words.append(f"{name}={shown}")
    words += [f"isolation={one['isolation']}"] if one["isolation"] != "visible" else []
    words += ["enforce"] if one["enforce"] else []
    return words + (["password set"] if one["has_password"] else [])


def print_tokens(tokens: "Sequence[dict[str, Any]]") -> None:
    """Print tokens, of each what it begins with."""
    if not tokens and sys.stdout.isatty():
        say("no tokens")
        return
    rows = [
        (
            str(one["id"]),
            one["prefix"] + "...",
            one["tenant"],
            one["name"] or "-",
            ",".join(one["scopes"]),
            "never" if one["expires_at"] is None else local(one["expires_at"]) + (" (over)" * one["is_expired"]),
            local(one["used_at"]) if one["used_at"] else "never",
            one["created_by"] or "-",
        )
        for one in tokens
    ]
    print_table(_TOKENS, rows)


def print_acts(acts: "Sequence[dict[str, Any]]") -> None:
    """Print administrative acts."""
    if not acts and sys.stdout.isatty():
        say("no acts")
        return
    rows = [
        (
            local(one["at"]),
            one["event"].replace("_", " "),
            one["subject"] or "-",
            one["by"] or "-",
            ", ".join(f"{name}={_shown(value)}" for name, value in one["details"].items()) or "-",
        )
        for one in acts
    ]
    print_table(_ACTS, rows)


def _user(one: "dict[str, Any]") -> str:
    if one["is_own"]:
        return "the daemon's"
    return "-" if one["uid"] is None else f"{one['user']} ({one['uid']})"


def _of(used: "Any", limit: "Any") -> str:
    return f"{used}" if limit is None else f"{used}/{limit:g}"


def _memory(one: "dict[str, Any]") -> str:
    limit = one["quota"]["max_memory_mib"]
    used = memory(one["use"]["memory_mib"])
    return used if limit is None else f"{used}/{memory(limit)}"


def _most(value: "Any") -> str:
    return "-" if value is None else f"at most {value}"


def _shown(value: "Any") -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

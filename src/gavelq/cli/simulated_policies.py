"""The policies of `gavelq simulate`: by their names, with constants that were changed."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gavelq.cli.call import Call
from gavelq.cli.forecasting import read_changes
from gavelq.core.errors import InvalidField, NotAllowed

if TYPE_CHECKING:
    from gavelq.sim.policies import NamedPolicy

GROUPS = ("scheduling.", "sharing.")
"""Settings that a load is scheduled by; those of a policy's own are fields of `Policy` under the same names."""
_BY_OPTION = {"scheduling.policy": "--policy fair,fifo", "scheduling.backfill": "--backfill skip"}


def read_policies(
    written: str | None, backfill: str | None, changes: tuple[str, ...], own: Mapping[str, Any] | None = None
) -> list[NamedPolicy]:
    """`fair,fifo` with `--backfill` and `--set`. Raises InvalidField.

    `own`: settings of a daemon, whose constants all policies have then, and whose policy is meant where none is named.
    """
    from gavelq.sim.policies import BASE, as_backfill, named

    own = own or {}
    if written is None:
        written = own.get("scheduling.policy", "fair")
        backfill = backfill or own.get("scheduling.backfill", "easy")
    names = [name.strip() for name in written.split(",") if name.strip()]
    if not names:
        raise InvalidField(field="policy", problem="no policy was named", hint="write for example --policy fair,fifo")
    chosen = None if backfill is None else as_backfill(backfill)
    base = replace(BASE, **_constants(changes, own))
    found = {policy.name: policy for policy in (named(name, backfill=chosen, base=base) for name in names)}
    return list(found.values())


def daemon_settings(call: Call) -> dict[str, Any]:
    """What the daemon goes by where that is not the default, by name, as `Policy` has it.

    A caller who may not look at the configuration is told so, and gets none.
    """
    from gavelq.config.settings import BY_NAME

    try:
        rows = call.link().fetch("GET", "/api/config")
    except NotAllowed as error:
        sys.stderr.write(f"gavelq: the usual settings are simulated, not the daemon's: {error.message}\n")
        return {}
    return {
        row["name"]: BY_NAME[row["name"]].kind.parse(row["value"], field=row["name"])
        for row in rows
        if row["name"].startswith(GROUPS) and row["name"] in BY_NAME and row["source"] != "default"
    }


def _constants(changes: tuple[str, ...], own: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `Policy`, read as `gavelq config set` reads the settings of these names."""
    from gavelq.config.settings import BY_NAME

    known = [name for name in BY_NAME if name.startswith(GROUPS) and name not in _BY_OPTION]
    found: dict[str, Any] = {name.partition(".")[2]: value for name, value in own.items() if name in known}
    for name, raw in read_changes(changes).items():
        if name in _BY_OPTION:
            problem = "policies of a load are named by an option of their own"
            raise InvalidField(field=name, problem=problem, hint=f"write for example {_BY_OPTION[name]}")
        if name not in known:
            raise _unknown(name[:80], known)
        found[name.partition(".")[2]] = BY_NAME[name].kind.parse(raw, field=name)
    return found


def _unknown(name: str, known: list[str]) -> InvalidField:
    from gavelq.config.mistakes import suggest
    from gavelq.config.settings import BY_NAME

    problem = "a load is not scheduled by it" if name in BY_NAME else "there is no such setting"
    hint = suggest(name, known) if name not in BY_NAME else ""
    return InvalidField(field=name, problem=problem, hint=hint or "a load is scheduled by " + ", ".join(known))

"""Which change may be undone: undoing walks back, as people expect of it, and never tramples on a later change."""

from collections.abc import Sequence
from typing import Any

from gavelq.config.history import Change
from gavelq.core.errors import NotFound, WrongState

_LIST = "`gavelq config history` lists the changes"


def undone_by(changes: Sequence[Change]) -> dict[int, int]:
    """Changes that do not stand any more, and the number of the undoing that took each one back.

    An undoing can be undone as well: then what it took back stands again.
    """
    by_number = {change.number: change for change in changes}
    found: dict[int, int] = {}
    for change in changes:
        if change.undoes is None:
            continue
        found[change.undoes] = change.number
        before = by_number.get(change.undoes)
        if before is not None and before.undoes is not None:
            found.pop(before.undoes, None)
    return found


def to_undo(changes: Sequence[Change], number: int | None) -> Change:
    """The change with that number, or the last one that stands and is no undoing itself.

    Raises NotFound, and WrongState where it was undone already, or where a later change of the same setting stands.
    """
    gone = undone_by(changes)
    if number is None:
        standing = [change for change in changes if change.undoes is None and change.number not in gone]
        if not standing:
            raise NotFound("there is no change that could be undone", hint=_LIST)
        return _checked(standing[-1], changes, gone)
    wanted = next((change for change in changes if change.number == number), None)
    if wanted is None:
        raise NotFound(f"there is no change {number} of this configuration file", hint=_LIST)
    return _checked(wanted, changes, gone)


def _checked(wanted: Change, changes: Sequence[Change], gone: dict[int, int]) -> Change:
    what = f"change {wanted.number}"
    if wanted.number in gone:
        raise WrongState(
            what=what, state="undone already", problem=f"change {gone[wanted.number]} took it back", hint=_LIST
        )
    if not wanted.settings:
        problem = "the file could not be read before it, so nobody knows what it replaced"
        raise WrongState(what=what, state="not undoable", problem=problem, hint="gavelq config edit")
    names = {one.name for one in wanted.settings}
    for later in changes:
        if later.number <= wanted.number or not names & {one.name for one in later.settings}:
            continue
        # A change and the undoing that took it back are as if they had not been, unless the undoing itself is meant.
        is_void = later.number in gone or (later.undoes is not None and later.undoes > wanted.number)
        if not is_void or wanted.undoes is not None:
            same = ", ".join(sorted(names & {one.name for one in later.settings}))
            raise WrongState(
                what=what, state="overtaken", problem=f"change {later.number} changed {same} again since",
                hint=f"undo change {later.number} first, or write the value: gavelq config set NAME VALUE",
            )  # fmt: skip
    return wanted


def listed(
    changes: Sequence[Change], *, name: str | None = None, most: int | None = None, before: int | None = None
) -> list[dict[str, Any]]:
    """The last changes for display, oldest first: `Change.as_json`.

    `name`: only those of that setting; `before`: only those with a smaller number; `most`: at most so many.
    """
    gone = undone_by(changes)
    found = [change for change in changes if name is None or any(one.name == name for one in change.settings)]
    found = [change for change in found if before is None or change.number < before]
    return [change.as_json(gone.get(change.number)) for change in (found if most is None else found[-most:])]

"""The tasks around one: what it depends on, and what waits for it, as two small trees."""

from gavelq.cli.output.text import safe, say

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_WISHES = {"ok": "to complete", "any": "to end", "fail": "to fail"}
_MAX_LINES = 40
_ENDED = ("completed", "failed", "cancelled", "aborted")


def print_tree(task: "dict[str, Any]") -> None:
    """Print the trees of a task that depends on others or is waited for; nothing for any other."""
    nodes = {node["id"]: node for node in task.get("graph") or ()}
    own = nodes.get(task["id"])
    if own is None:
        return
    for title, step in (("depends on", _above), ("waited for by", _below)):
        lines = list(_lines(nodes, own, step))
        if not lines:
            continue
        say(f"\n{title}")
        for line in lines[:_MAX_LINES]:
            say(safe(line))
        if len(lines) > _MAX_LINES:
            say(f"  ... and {len(lines) - _MAX_LINES} more")


def _above(nodes: "dict[int, Any]", node: "dict[str, Any]") -> "list[tuple[int, Any]]":
    return [(one["task_id"], one) for one in node["dependencies"]]


def _below(nodes: "dict[int, Any]", node: "dict[str, Any]") -> "list[tuple[int, Any]]":
    """Those that wait for it, each with its dependency on this one."""
    found: list[tuple[int, Any]] = []
    for number in node["dependents"]:
        wishes = nodes[number]["dependencies"] if number in nodes else ()
        found.extend((number, one) for one in wishes if one["task_id"] == node["id"] and one["is_open"])
        if number not in nodes:
            found.append((number, None))
    return found


def _lines(nodes: "dict[int, Any]", top: "dict[str, Any]", step: "Any") -> "Iterator[str]":
    """One line for each task, deeper ones further to the right; what was shown already is not unfolded again."""
    shown: set[int] = set()
    todo = [(number, wish, 1) for number, wish in reversed(step(nodes, top))]
    while todo:
        number, wish, depth = todo.pop()
        node = nodes.get(number)
        is_known = number in shown
        yield "  " * depth + _line(number, node, wish) + (", see above" if is_known and node else "")
        if node is not None and not is_known and node["state"] not in _ENDED:  # how those started is an old story
            todo.extend((n, w, depth + 1) for n, w in reversed(step(nodes, node)))
        shown.add(number)


def _line(number: int, node: "dict[str, Any] | None", wish: "dict[str, Any] | None") -> str:
    wanted = "" if wish is None else f" ({'' if wish['is_open'] else 'had '}{_WISHES[wish['kind']]})"
    if node is None:
        return f"task {number}{wanted}"
    reason = f" ({node['end_reason']})" if node["end_reason"] and node["state"] != "completed" else ""
    return f"task {number} {node['name']}: {node['state']}{reason}{wanted}"

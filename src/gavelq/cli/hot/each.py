"""A verb for several ids: every result is told, and the exit code says whether all, some or none succeeded."""

import sys

from gavelq.cli.call import Call
from gavelq.cli.output.text import safe, say
from gavelq.client import lean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, TypeVar

    _Id = TypeVar("_Id", int, str)


def kill(call: Call, ids: "Sequence[int]", signal: str | None = None) -> int:
    """End tasks (`task kill`, `cancel`), or deliver a signal that does not end them."""
    payload = {"signal": signal} if signal else {}
    return act(call, ids, lambda task_id: ("POST", f"/api/tasks/{task_id}/kill", payload), _killed)


def _killed(task: "dict[str, Any]") -> str:
    return f"task {task['id']}: {task['state']}"


def act(
    call: Call,
    ids: "Sequence[_Id]",
    request: "Callable[[_Id], tuple[str, str, dict[str, Any] | None]]",
    sentence: "Callable[[Any], str]",
    *,
    noun: str = "task",
    is_list: bool = False,
) -> int:
    """Send one request for each id and tell what came of each. Returns 0, or 9 where only some succeeded.

    Where none did, it is the first error's exit code, and that error's code in JSON; a single id's error is raised.
    JSON is one document for one id and an array for several, or with `is_list`.
    """
    link = call.link()
    bodies: list[bytes] = []
    failures: list[tuple[object, Any]] = []
    for one in dict.fromkeys(ids):
        try:
            reply = link.send(*request(one), timeout_s=60)
        except Exception as error:  # noqa: BLE001  # _known raises what is not ours; the error tree is loaded only then
            failures.append((one, _known(error)))
            continue
        bodies.append(reply.body.strip())
        if not call.is_json:
            say(safe(sentence(lean.loads(reply.body))))
    n_ids = len(bodies) + len(failures)
    if call.is_json and bodies:
        from gavelq.cli.output.document import print_body

        print_body(bodies[0] if n_ids == 1 and not is_list else b"[" + b",".join(bodies) + b"]")
    if not failures:
        return 0
    if n_ids == 1:
        raise failures[0][1]
    return _tell_failures(call, failures, n_ids, noun)


def _known(error: Exception) -> Exception:
    """The error, where it is one that an answer can carry; raised otherwise."""
    from gavelq.core.errors import DaemonUnreachable, GavelqError

    if not isinstance(error, GavelqError) or isinstance(error, DaemonUnreachable):
        raise error
    return error


def _tell_failures(call: Call, failures: "list[tuple[object, Any]]", n_ids: int, noun: str) -> int:
    from gavelq.cli.output.failure import tell

    summary = _sum_of(failures, n_ids)
    if call.is_json:
        return tell(summary, is_json=True)
    sys.stdout.flush()
    for one, error in failures:
        about = "" if f"{noun} {one}" in error.message else f"{noun} {one}: "
        say(safe(f"gavelq: {about}{error.message}"), sys.stderr)
        if error.hint:
            say(f"hint: {safe(error.hint)}", sys.stderr)
    return int(summary.exit_code)


def _sum_of(failures: "list[tuple[object, Any]]", n_ids: int) -> "Any":
    """One error for all: that only some were done, or one of the first's kind where none was."""
    from gavelq.client.problems import revive
    from gavelq.core.errors import PartlyDone

    results = [{"id": one, "error": error.as_json()} for one, error in failures]
    summary = PartlyDone(n_done=n_ids - len(failures), n_total=n_ids, n_failed=len(failures), results=results)
    if len(failures) < n_ids:
        return summary
    first = failures[0][1]
    message = f"none of {n_ids} done; the first: {first.message}"
    told = {"code": first.code, "message": message, "hint": first.hint, "details": summary.details}
    return revive(told, first.http_status)

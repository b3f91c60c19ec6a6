"""`gavelq status`: the daemon, its GPUs and its queues at a glance."""

from gavelq.cli.call import Call
from gavelq.cli.output.gpus import print_gpus
from gavelq.cli.output.queues import print_queues
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import duration
from gavelq.client import lean
from gavelq.client.http import query

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORTH_TELLING = ("running", "starting", "stopping", "pending", "held", "completed", "failed", "cancelled", "aborted")


def print_status(call: Call) -> int:
    """Print the overview; returns 0."""
    link = call.link()
    reply = link.send("GET", "/api/status")
    if call.is_json:
        from gavelq.cli.output.document import print_body

        print_body(reply.body)
        return 0
    status = lean.loads(reply.body)
    daemon, counts = status["daemon"], status.get("counts") or {}
    say(daemon_line(daemon))
    for warning in daemon.get("warnings") or ():
        say(f"warning: {safe(warning)}")
    told = [f"{counts[state]} {state}" for state in _WORTH_TELLING if counts.get(state)]
    say("tasks: " + (", ".join(told) or "none"))
    say("")
    print_gpus(status["gpus"], holding_tasks(link, status["gpus"]))
    say("")
    print_queues(status["queues"])
    return 0


def holding_tasks(link: "Any", gpus: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
    """The tasks that hold GPUs, asked for only where some GPU has one."""
    if not any(gpu.get("tasks") for gpu in gpus):
        return []
    pairs = [("state", state) for state in ("starting", "running", "stopping")]
    found: list[dict[str, Any]] = link.fetch("GET", "/api/tasks" + query(pairs))
    return found


def daemon_line(daemon: "dict[str, Any]") -> str:
    """One sentence about the daemon."""
    parts = [f"gavelq {daemon.get('version', '?')}, pid {daemon.get('pid')}, up {duration(daemon.get('uptime_s'))}"]
    if daemon.get("gpu_provider") == "simulated":
        parts.append("simulated GPUs")
    if daemon.get("http"):
        parts.append(str(daemon["http"]))
    if daemon.get("read_only"):
        parts.append("read-only: its state cannot be written")
    return safe(", ".join(parts))

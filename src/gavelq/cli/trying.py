"""`gavelq submit --dry-run`: what would come of a submission."""

from typing import Any

from gavelq.cli.call import Call
from gavelq.cli.hot.submit import send_submission
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import safe, say
from gavelq.cli.output.times import local
from gavelq.client import lean
from gavelq.core.errors import InvalidField


def print_trial(call: Call, request: dict[str, Any], *, is_sweep: bool) -> int:
    """Ask what would come of this request, and say it. Raises InvalidField for a sweep."""
    if is_sweep:
        problem = "it looks at one task, and this makes several"
        raise InvalidField(field="dry_run", problem=problem, hint="try one of them: leave --array and --param out")
    reply = send_submission(call, "/api/tasks", {**request, "dry_run": True})
    if call.is_json:
        print_body(reply.body)
        return 0
    told = lean.loads(reply.body)
    say(f"valid; nothing was submitted: {safe(told['summary'])}")
    for gate in told["gates"]:
        if not gate["passed"]:
            say(f"  {gate['gate']}: {safe(gate['text'])}")
    if not told["starts_now"] and told["position"] is not None:
        at = told["expected_start_at"]
        expected = f"about {local(at)}" if at else "nobody can tell"
        say(f"place in the order: {told['position']}; expected start: {expected} ({safe(told['expected_basis'])})")
    return 0

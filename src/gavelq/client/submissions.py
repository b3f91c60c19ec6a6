"""The SDK's verbs for submissions: all tasks that one call, file or sweep brought in."""

import time
from collections.abc import Mapping
from typing import Any, cast

from gavelq.client import shapes
from gavelq.client.http import Link, query
from gavelq.client.patience import PatientLink
from gavelq.core.errors import TimedOut

_POLL_S = 25.0
_SLACK_S = 15.0
_ACT_S = 120.0
"""For a hundred thousand tasks."""


class SubmissionVerbs:
    """What a Client can do with a submission. Raises as Client does."""

    _link: Link

    def submission(self, submission_id: int) -> shapes.Submission:
        """A submission: its counts by state, its first and last task."""
        return cast(shapes.Submission, self._link.fetch("GET", f"/api/submissions/{submission_id}"))

    def wait_submission(self, submission_id: int, *, timeout_s: float | None = None) -> shapes.Submission:
        """The submission when all of its tasks have ended; otherwise as `wait`. Raises TimedOut."""
        link, deadline = PatientLink(self._link), None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left = _POLL_S if deadline is None else max(0.0, min(_POLL_S, deadline - time.monotonic()))
            target = f"/api/submissions/{submission_id}/wait" + query([("timeout", f"{left:g}")])
            found: shapes.Submission = link.fetch(target, timeout_s=left + _SLACK_S, deadline=deadline)
            if found["is_ended"]:
                return found
            if deadline is not None and time.monotonic() >= deadline:
                raise TimedOut(timeout_s=f"{timeout_s:g}", what=f"submission {submission_id} has not ended")

    def hold_submission(self, submission_id: int) -> shapes.SubmissionDone:
        """Hold all of its tasks that have not started."""
        return self._act_on(submission_id, "hold", {})

    def run_submission(self, submission_id: int, *, queue: str | None = None) -> shapes.SubmissionDone:
        """Let its held tasks run, in `queue` where one is named."""
        return self._act_on(submission_id, "run", {"queue": queue})

    def kill_submission(self, submission_id: int, *, signal: str = "TERM") -> shapes.SubmissionDone:
        """End all of its tasks; or deliver a signal that ends nothing to those that run."""
        return self._act_on(submission_id, "kill", {"signal": signal})

    def _act_on(self, submission_id: int, verb: str, payload: Mapping[str, Any]) -> shapes.SubmissionDone:
        target = f"/api/submissions/{submission_id}/{verb}"
        return cast(shapes.SubmissionDone, self._link.fetch("POST", target, dict(payload), timeout_s=_ACT_S))

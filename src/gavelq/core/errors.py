"""One error tree. The docstring of a class is its message; `details` fill the names in it.

Every error has a `code` for programs, a `hint` that says how to go on, and the HTTP status and exit code that
all surfaces use for it, so that the command line, REST and the SDK never disagree.
"""

from typing import Any, ClassVar


class GavelqError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "failed"
    hint: str = ""
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", *, hint: str = "", **details: Any) -> None:
        self.message = message or (type(self).__doc__ or type(self).code).split("\n", 1)[0].format(**details)
        self.hint = hint or type(self).hint.format(**details)
        self.details = details
        super().__init__(self.message)

    def as_json(self) -> dict[str, Any]:
        """The object that stands under `error` on every surface (SPEC section 4)."""
        return {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}


class UsageError(GavelqError):
    """The request cannot be understood."""

    code = "usage"
    http_status = 400
    exit_code = 2


class InvalidField(UsageError):
    """{field}: {problem}"""

    code = "invalid_field"


class InvalidFile(UsageError):
    """{path}:{line}: {problem}"""

    code = "invalid_file"


class NotFound(GavelqError):
    """There is no such thing."""

    code = "not_found"
    http_status = 404
    exit_code = 3


class TaskNotFound(NotFound):
    """there is no task {task_id}"""

    code = "task_not_found"
    hint = "`gavelq task list --all` shows every task"


class SubmissionNotFound(NotFound):
    """there is no submission {submission_id}"""

    code = "submission_not_found"
    hint = "`gavelq task info ID` shows to which submission a task belongs"


class QueueNotFound(NotFound):
    """there is no queue named {queue!r}"""

    code = "queue_not_found"
    hint = "`gavelq queue list` shows the queues; `gavelq queue create {queue}` makes this one"


class GpuNotFound(NotFound):
    """there is no GPU {gpu!r}"""

    code = "gpu_not_found"
    hint = "`gavelq gpu list` shows the GPUs of this machine"


class LogNotFound(NotFound):
    """task {task_id} has no log yet: {log_path}"""

    code = "log_not_found"
    hint = "a log is made when the task starts; `gavelq task why {task_id}` tells what it waits for"


class NotAllowed(GavelqError):
    """{action} is not allowed here: {why}"""

    code = "not_allowed"
    http_status = 403
    exit_code = 4


class Unauthenticated(NotAllowed):
    """this address needs a token"""

    code = "unauthenticated"
    hint = (
        "set GAVELQ_TOKEN, or send the header `Authorization: Bearer TOKEN`; "
        "`gavelq serve` prints where the admin token is kept"
    )
    http_status = 401


class DaemonUnreachable(GavelqError):
    """the daemon is not running ({why})"""

    code = "daemon_unreachable"
    hint = "start it with: gavelq daemon init"
    http_status = 503
    exit_code = 5


class WrongState(GavelqError):
    """{what} is {state}: {problem}"""

    code = "wrong_state"
    http_status = 409
    exit_code = 6


class Refused(GavelqError):
    """refused: {problem}"""

    code = "refused"
    http_status = 422
    exit_code = 7


class Infeasible(Refused):
    """this can never start here: {problem}"""

    code = "infeasible"
    hint = "ask for less, or add --allow-infeasible to let it wait for such a machine"


class KeyReused(Refused):
    """this idempotency key was used for another request, which made {made}"""

    code = "key_reused"
    hint = "send a fresh key, such as a UUID, with every new request"


class LimitReached(Refused):
    """{limit} is reached: {problem}"""

    code = "limit_reached"


class TimedOut(GavelqError):
    """nothing happened within {timeout_s} s: {what}"""

    code = "timed_out"
    http_status = 408
    exit_code = 8


class PartlyDone(GavelqError):
    """{n_done} of {n_total} done; {n_failed} failed"""

    code = "partly_done"
    http_status = 207
    exit_code = 9


class StoreUnavailable(GavelqError):
    """the state cannot be written ({why}); nothing was changed"""

    code = "store_unavailable"
    hint = "free space on the disk of the state directory; tasks that run go on, and the daemon tries again by itself"
    http_status = 503


class StoreCorrupt(GavelqError):
    """the database {path} is damaged: {why}"""

    code = "store_corrupt"
    hint = "restore a copy made by `gavelq backup FILE`, or move the file away to start with an empty state"


class StoreTooNew(GavelqError):
    """the database {path} was written by a newer gavelq (schema {found}, this one knows {known})"""

    code = "store_too_new"
    hint = "install the newer version again, or point GAVELQ_HOME at another directory"


class RunnerUnavailable(GavelqError):
    """the runner process cannot be reached: {why}"""

    code = "runner_unavailable"
    http_status = 503


class CannotNotify(GavelqError):
    """{channel} was not told: {why}"""

    code = "cannot_notify"
    http_status = 502

    def __init__(self, *, channel: str, why: str, is_permanent: bool = False) -> None:
        """`is_permanent`: trying again cannot help."""
        super().__init__(channel=channel, why=why)
        self.is_permanent = is_permanent


class IllegalMove(GavelqError):
    """task {task_id} may not go from {source} to {target}; its story: {story}"""

    code = "illegal_move"

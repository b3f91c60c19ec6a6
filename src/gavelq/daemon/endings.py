"""How tasks end, in words."""

from gavelq.core.lifecycle import EndReason
from gavelq.core.signals import signal_name
from gavelq.core.task import Ending


def how_it_ended(ending: Ending) -> str:
    """An end in words, for example `failed: exit code 3`."""
    name = signal_name(ending.signal or 0)
    # A command without a handler dies of the warning that was asked for (`--warn`): that one gavelq did send.
    by_whom = "" if ending.detail.startswith(f"warned with {name} ") else ", not sent by gavelq"
    words = {
        EndReason.EXIT_ZERO: "completed with exit code 0",
        EndReason.EXIT_NONZERO: f"failed: its command ended with exit code {ending.exit_code}",
        EndReason.SIGNALLED: f"failed: its command was ended by {name}{by_whom}",
        EndReason.TIME_LIMIT: "failed: it reached its time limit",
        EndReason.SPAWN_FAILED: "failed: its command could not be started",
        EndReason.CANCELLED_BY_USER: "was cancelled by its owner",
        EndReason.CANCELLED_BY_ADMIN: "was cancelled by an administrator",
        EndReason.GPU_RELEASED: "was aborted: its GPU was released",
        EndReason.GPU_DRAINED: "was aborted: its GPU was drained",
        EndReason.DAEMON_STOPPED: "was aborted: the daemon was stopped together with its tasks",
        EndReason.OUT_OF_MEMORY_GPU: "failed: a GPU ran out of memory",
        EndReason.OUT_OF_MEMORY_HOST: "failed: the machine's main memory was too little for it",
        EndReason.NCCL_ERROR: "failed: NCCL, the communication between GPUs, failed",
        EndReason.CODE_ERROR: "failed: its program cannot run as it is (a missing command or module, a syntax error)",
        EndReason.GPU_LOST: "was aborted: a GPU that it held failed",
        EndReason.DEPENDENCY_FAILED: "was aborted: a task that it depends on did not end as it had to",
        EndReason.PREEMPTED: "was aborted: it was preempted",
        EndReason.RELEASED: "was released by its owner",
        EndReason.LEASE_EXPIRED: "was aborted: its owner is gone, or did not renew it",
        EndReason.VIOLATION: "was aborted: it did what its isolation forbids",
        EndReason.IDLE: "was aborted: its GPUs lay idle for longer than its queue allows",
        EndReason.LOST: "was aborted: it is lost, nobody could see how it ended",
    }
    said = words[ending.reason]
    return f"{said} ({ending.detail})" if ending.detail else said

"""What libraries write when they fail. Texts of PyTorch, JAX, TensorFlow, CUDA, cuBLAS, NCCL, CPython and shells."""

import re
from typing import Final

from gavelq.core.lifecycle import EndReason

_Pattern = re.Pattern[str]

GPU_LOST: Final[_Pattern] = re.compile(
    r"GPU is lost|GPU_IS_LOST|fallen off the bus|uncorrectable ECC error"
    r"|cudaErrorECCUncorrectable|CUDA_ERROR_ECC_UNCORRECTABLE"
)

GPU_OOM: Final[_Pattern] = re.compile(
    r"torch(?:\.cuda)?\.OutOfMemoryError"  # PyTorch
    r"|(?:CUDA|HIP) out of memory"
    r"|RESOURCE_EXHAUSTED: (?:Out of memory|Failed to allocate)"  # JAX, XLA
    r"|ResourceExhaustedError(?!.{0,800}No space left)|OOM when allocating tensor"  # TensorFlow
    r"|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation|CUBLAS_STATUS_ALLOC_FAILED"
)
_ANY_OOM: Final[_Pattern] = re.compile(r"out[ _]of[ _]memory", re.I)
_CUDA: Final[_Pattern] = re.compile(r"cuda|cuMem|rmm::", re.I)
_APART = 80
"""So near to each other "CUDA" and "out of memory" mean one thing."""
_CPU_TENSOR: Final[_Pattern] = re.compile(r"\bby allocator (?:mkl)?_?cpu\b", re.I)

HOST_OOM: Final[_Pattern] = re.compile(
    r"std::bad_alloc|Cannot allocate memory|java\.lang\.OutOfMemoryError"
    r"|DefaultCPUAllocator: (?:can't allocate memory|not enough memory)"
)

NCCL: Final[_Pattern] = re.compile(
    r"NCCL error|NCCL operation .{0,40}failed|ncclSystemError|ncclInternalError|ncclRemoteError|ncclUnhandledCudaError"
    r"|Watchdog caught collective operation timeout|ProcessGroupNCCL's watchdog (?:got stuck|hang)"
    r"|NCCL watchdog thread terminated with exception|due to NCCL.{0,40}timeout"
)

_HINTS = ("memory", "nccl", "gpu", "ecc", "alloc", "exhausted", "bus", "watchdog", "oom")
"""No line without one of these (in lower case) is any of the above: most lines are not looked at closely."""

_CODE = frozenset({"ModuleNotFoundError", "ImportError", "SyntaxError", "IndentationError", "TabError"})

_AFTERMATH = frozenset({
    "ChildFailedError", "CalledProcessError", "ProcessRaisedException", "ProcessExitedException", "RayTaskError",
    "RayActorError", "ActorDiedError", "BrokenProcessPool", "BrokenPipeError", "EOFError", "ConnectionResetError",
    "ConnectionRefusedError", "ConnectionAbortedError", "ConnectionError", "DistNetworkError", "DistStoreError",
    "KeyboardInterrupt", "SystemExit", "CancelledError", "HorovodInternalError",
})  # fmt: skip
"""Exceptions of those who only saw somebody else die: launchers, pools, siblings at the other end of a connection."""
_AFTERMATH_TEXT: Final[_Pattern] = re.compile(
    r"root cause|exited unexpectedly|[Cc]onnection (?:closed|reset) by|[Cc]onnection refused|non-zero exit status"
)

_RANK: Final[_Pattern] = re.compile(
    r"(?:\[(?:rank|default)?\d{1,6}\]:?\s?|\[\d{1,6},\d{1,6}\]<std\w{3}>:|\d{1,5}: "
    r"|\(\w{1,40} pid=\d{1,9}[^)]{0,60}\)\s?){1,3}"
)
"""What torchrun, mpirun, Ray and srun put in front of each line of their processes."""
_ENDINGS = ("Error", "Exception", "Interrupt", "Exhausted")

_CHAINS = (
    "During handling of the above exception",
    "The above exception was the direct cause of",
    "Exception ignored in",
)
_NOISE: Final[_Pattern] = re.compile(
    r"[\s|│]|wandb:|=====|-----|Traceback|Stack trace|frame #|[EWI]\d{4} |\[[EWI]\d{4} |Error executing job|Set the env"
)
_WARNING: Final[_Pattern] = re.compile(
    r"\b(?:WARN(?:ING)?|[Ww]arning|INFO|DEBUG|[Rr]etry(?:ing)?|[Ss]kip(?:ping|ped)?|[Rr]educing|[Ii]gnor(?:ed|ing)"
    r"|[Rr]ecover(?:ed|ing)|[Ff]all(?:ing)? back|not a failure)\b"
)
_KILL: Final[_Pattern] = re.compile(
    r"^(?:.{1,200}: line \d+: *\d+ )?Killed\b|killed by signal: Killed|exitcode: ?-9\b|Signal 9 \(SIGKILL\)"
    r"|exit code 137"
)
_MISSING = {
    2: ("syntax error near unexpected token", "syntax error: unexpected end of file"),
    126: ("Permission denied", "cannot execute", "Is a directory", "Exec format error"),
    127: ("not found", "No such file or directory"),
}
"""What shells say with these exit codes (POSIX, Shell Command Language 2.8.2; 2: bash)."""


def body(line: str) -> str:
    """A line without the rank that a launcher put in front of it."""
    rank = _RANK.match(line)
    return line[rank.end() :] if rank else line


def raised(line: str, *, is_due: bool = False) -> str:
    """The bare name of the exception that a line reports as Python prints it, such as `OutOfMemoryError`; else ``.

    `is_due`: a traceback came before, which ends in an exception of whatever name.
    """
    head = line.partition(":")[0]
    if len(head) > 200 or not head.replace(".", "").replace("_", "").isalnum():
        return ""
    name = head.rpartition(".")[2]
    is_named = name not in _ENDINGS and name[:1].isupper() and name.endswith(_ENDINGS)
    return name if is_named or is_due or name in _AFTERMATH else ""


def kind_of(line: str, exception: str) -> EndReason | None:
    """What a line says about why something failed; None: nothing that is known. `exception`: see `raised`."""
    if exception in _CODE:
        return EndReason.CODE_ERROR
    if is_indented(line) and not line.lstrip().startswith("what():"):
        return None  # source text in a traceback
    lowered = line.lower()
    if not any(hint in lowered for hint in _HINTS):
        return None
    if GPU_LOST.search(line):
        return EndReason.GPU_LOST
    if GPU_OOM.search(line) or _is_cuda_out_of_memory(line):
        return EndReason.OUT_OF_MEMORY_HOST if _CPU_TENSOR.search(line) else EndReason.OUT_OF_MEMORY_GPU
    if exception.endswith("MemoryError") or HOST_OOM.search(line):
        return EndReason.OUT_OF_MEMORY_HOST
    return EndReason.NCCL_ERROR if NCCL.search(line) else None


def _is_cuda_out_of_memory(line: str) -> bool:
    found = _ANY_OOM.search(line)
    return found is not None and _CUDA.search(line[max(0, found.start() - _APART) : found.end() + _APART]) is not None


def is_chain(line: str) -> bool:
    """Whether the exception that follows belongs to the story of the one before."""
    return any(text in line for text in _CHAINS)


def is_aftermath(exception: str, line: str) -> bool:
    """Whether an exception only tells that something else died."""
    return exception in _AFTERMATH or _AFTERMATH_TEXT.search(line) is not None


def is_warning(line: str) -> bool:
    """Whether a line says by itself that its writer goes on."""
    return _WARNING.search(line) is not None


def is_noise(line: str) -> bool:
    """Lines that stand around a failure: tracebacks, tables of launchers, the farewell of loggers."""
    return not line or _NOISE.match(line) is not None


def is_indented(line: str) -> bool:
    """Whether it is part of something that began further up."""
    return line[:1] in ("", " ", "\t", "|", "│")


def is_traceback(line: str) -> bool:
    """Whether a traceback begins."""
    return line.startswith("Traceback (most recent call last)")


def is_kill(line: str) -> bool:
    """Whether a shell or a launcher says that a process of its was killed."""
    return _KILL.search(line) is not None


def missing_command(exit_code: int | None, line: str) -> bool:
    """Whether a shell says that it could not run a command at all."""
    return any(text in line for text in _MISSING.get(exit_code or 0, ()))

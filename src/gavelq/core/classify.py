"""Why an attempt failed: its exit code or signal, the last lines of its output, the kernel's and the cards' word.

Output is read as a person would: the last exception decides, unless it only reports that something else died (a
launcher, a sibling) or came up while an earlier one was dealt with. What a program survived does not count.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gavelq.core import failure_texts as texts
from gavelq.core.lifecycle import EndReason

MAX_LINES = 200
MAX_CHARS = 64 << 10
"""Only so much of the end of a log counts."""
NEAR = 40
"""A text counts if at most so many further lines of output follow it."""
NEAR_CODE = 5
"""The same for broken code: a module that is missing is often done without."""
_MAX_LINE = 1000
_MAX_DETAIL = 300
SIGKILL = 9
SHELL_KILLED = 128 + SIGKILL
"""The exit code of a shell whose command was killed (POSIX: more than 128; bash: 128 + signal)."""

_WEIGHTS = {
    EndReason.GPU_LOST: 3,
    EndReason.OUT_OF_MEMORY_GPU: 2,
    EndReason.OUT_OF_MEMORY_HOST: 2,
    EndReason.NCCL_ERROR: 1,
    EndReason.CODE_ERROR: 0,
}
"""The root of a failure: where one process of several runs out of memory, the others see a broken connection."""


@dataclass(frozen=True, slots=True)
class _Found:
    reason: EndReason
    line: str
    at: int
    """How many lines of output came before it."""


def classify(
    *, exit_code: int | None, signal: int | None, log_tail: str = "", host_oom: str = "", faulty_gpu: str = ""
) -> tuple[EndReason, str]:
    """The end reason of an attempt that failed by itself, and the evidence for it (a line of its log, mostly).

    `host_oom` is the kernel's word that it killed for want of main memory just now; it counts where something of the
    attempt was killed. `faulty_gpu` says which of its cards failed.
    """
    if faulty_gpu:
        return EndReason.GPU_LOST, faulty_gpu
    lines = _last_lines(log_tail)
    is_killed = signal == SIGKILL or exit_code == SHELL_KILLED
    if host_oom and (is_killed or any(texts.is_kill(line) for line in lines)):
        return EndReason.OUT_OF_MEMORY_HOST, host_oom
    found = _decisive(lines)
    if found is not None:
        return found.reason, _shown(found.line)
    missing = [line for line in lines[-NEAR_CODE:] if texts.missing_command(exit_code, line)]
    if missing:
        return EndReason.CODE_ERROR, _shown(missing[-1])
    return (EndReason.SIGNALLED if signal is not None else EndReason.EXIT_NONZERO), ""


def _last_lines(tail: str) -> list[str]:
    return list(_seen(tail[-MAX_CHARS:].split("\n")[-MAX_LINES - 1 :]))[-MAX_LINES:]


def _seen(lines: list[str]) -> Iterator[str]:
    """Lines as a terminal shows them: progress bars overwrite theirs, colours are no text. Empty ones are left out."""
    for line in lines:
        visible = next((part for part in reversed(line.split("\r")) if part.strip()), "")
        if visible:
            yield texts.body(_plain(visible[: 2 * _MAX_LINE])[:_MAX_LINE].rstrip())


def _plain(line: str) -> str:
    """Without colours (ECMA-48 control sequences: ESC [ parameters letter)."""
    first, *coloured = line.split("\x1b[")
    return first + "".join(part.lstrip("0123456789;?")[1:] for part in coloured)


def _decisive(lines: list[str]) -> _Found | None:
    """The text that tells what the attempt died of; None where it died of nothing that is known here."""
    story = _Story()
    for line in lines:
        story.read(line)
    return story.root()


class _Story:
    """What may have been the end of a program, as far as its output was read."""

    def __init__(self) -> None:
        self._found: list[_Found] = []
        self._is_linked = False
        """The next exception came up while an earlier one was dealt with."""
        self._is_tracing = False
        """A traceback has begun; its exception is still to come."""
        self._n_output = 0

    def read(self, line: str) -> None:
        """One more line."""
        if texts.is_chain(line):
            self._is_linked = True
            return
        is_due = self._is_tracing and not texts.is_indented(line)
        exception = texts.raised(line, is_due=is_due)
        self._is_tracing = texts.is_traceback(line) or (self._is_tracing and not is_due)
        reason = texts.kind_of(line, exception)
        if exception:
            self._take_exception(line, exception, reason)
        elif reason is not None and not texts.is_warning(line):
            self._found.append(_Found(reason, line, self._n_output))
        elif not texts.is_noise(line):
            self._n_output += 1

    def _take_exception(self, line: str, exception: str, reason: EndReason | None) -> None:
        if reason is None and texts.is_aftermath(exception, line):
            self._found = [_Found(one.reason, one.line, self._n_output) for one in self._found]  # the same story
        elif not self._is_linked and reason in (None, EndReason.CODE_ERROR):
            self._found = []  # whatever was before, the program went on and failed of this
        if reason is not None:
            self._found.append(_Found(reason, line, self._n_output))
        self._is_linked = False

    def root(self) -> _Found | None:
        """What it failed of in the first place."""
        near = [one for one in self._found if self._n_output - one.at <= _near(one.reason)]
        return max(reversed(near), key=lambda one: _WEIGHTS[one.reason], default=None)


def _near(reason: EndReason) -> int:
    return NEAR_CODE if reason is EndReason.CODE_ERROR else NEAR


def _shown(line: str) -> str:
    text = "".join(c if c.isprintable() else " " for c in line).strip()
    return text if len(text) <= _MAX_DETAIL else text[: _MAX_DETAIL - 1] + "…"

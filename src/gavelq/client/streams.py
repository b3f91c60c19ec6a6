"""The SDK's verbs whose answers come bit by bit: events, and a task's output as it is written."""

from collections.abc import Callable, Iterable, Iterator

from gavelq.client.following import Ask, LogSteps, followed_log
from gavelq.client.http import Link
from gavelq.client.listening import Listener
from gavelq.client.patience import PatientLink
from gavelq.client.sse import StreamEvent
from gavelq.client.streaming import listen
from gavelq.client.wire import Reply
from gavelq.core.errors import LogNotFound


class StreamVerbs:
    """What a Client can watch. Raises as Client does, and goes on through restarts of the daemon (up to 60 s)."""

    _link: Link

    def events(
        self, *, after: str | int | None = None, kinds: Iterable[str] = (), tasks: Iterable[int] = ()
    ) -> Iterator[StreamEvent]:
        """Every change from now on, or behind the event whose id is `after`; for as long as it is iterated.

        `kinds`: only of these (task, gpu, ..., or names of events such as `ended`); `tasks`: only of these. A lost
        connection is made again, and goes on behind the last event that was given.
        """
        return listen(self._link, Listener(after=after, kinds=kinds, tasks=tasks))

    def follow(self, task_id: int, *, tail: int | None = None) -> Iterator[bytes]:
        """A task's output as it comes, through all of its attempts, until it has ended.

        It begins with the first byte, or with the last `tail` lines. A task that has not started is waited for.
        """
        link = PatientLink(self._link)
        return take_steps(lambda target, wait_s: link.get(target, timeout_s=wait_s), followed_log(task_id, tail=tail))


def take_steps(get: Callable[[str, float], Reply], steps: LogSteps) -> Iterator[bytes]:
    """Make the requests that the steps ask for, with `get(target, timeout_s)`; the output that they give."""
    try:
        step = next(steps)
        while True:
            if isinstance(step, bytes):
                yield step
                step = next(steps)
                continue
            step = _answer(get, step, steps)
    except StopIteration:
        return


def _answer(get: Callable[[str, float], Reply], ask: Ask, steps: LogSteps) -> Ask | bytes:
    try:
        reply = get(ask.target, ask.timeout_s)
    except LogNotFound as error:
        return steps.throw(error)
    return steps.send(reply)

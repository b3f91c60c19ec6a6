"""The task's side of an Executor: `python -m gavelq.client.run_pickled DIRECTORY TOKEN` makes one call.

Exit code 0: the function returned; 1: it raised, and the traceback stands in the task's log as well.
"""

import os
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from gavelq.client.calls import CALL, Calls
from gavelq.core.errors import GavelqError, InvalidField

_MAX_TEXT = 1 << 20


def call_each(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Several small calls in one task: what `Executor.map` makes of a chunk."""
    return [function(*one) for one in arguments]


def main(words: list[str]) -> int:
    """Make the call that the words name; the exit code."""
    if len(words) != 2:
        print("usage: python -m gavelq.client.run_pickled DIRECTORY TOKEN", file=sys.stderr)  # noqa: T201
        return 2
    calls, token = Calls(words[0]), words[1]
    call = calls.read(token, CALL, max_bytes=sys.maxsize)
    if call is None:
        raise InvalidField(field=CALL, problem="it is not there", hint="submit the call again")
    # Modules that lie beside the caller's script are found as they were found there.
    sys.path[:] = call["sys_path"]
    outcome, code = _outcome(call)
    outcome["attempt"] = int(os.environ.get("GAVELQ_ATTEMPT") or 0)
    calls.write_outcome(token, outcome)
    return code


def _outcome(call: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What came of the call, and the exit code."""
    own_pid = os.getpid()
    try:
        function, args, kwargs = pickle.loads(call["payload"])  # noqa: S301  # its file was checked by Calls.read
        value = function(*args, **kwargs)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are the caller's to see as well
        if os.getpid() != own_pid:
            raise  # a process that the function forked ends in its own way; the outcome is not its to tell
        # The first frame is this one, and nobody's business.
        text = "".join(traceback.format_exception(type(error), error, _without_us(error)))
        sys.stderr.write(text)
        return _failure(error, text), 1
    try:
        payload = _dumps(value)
        if len(payload) > call["max_bytes"]:
            problem = f"it makes {len(payload)} bytes; {call['max_bytes']} are the most"
            hint = "let the function write large results to a file and return its path, or raise max_bytes"
            raise InvalidField(field="result", problem=problem, hint=hint)
    except Exception as error:  # noqa: BLE001  # a __reduce__ of the user's may raise anything
        text = f"the function returned {type(value).__name__}, which cannot be sent back: {error!r}"
        sys.stderr.write(text + "\n")
        return _failure(error if isinstance(error, GavelqError) else TypeError(text), text), 1
    return {"kind": "value", "payload": payload}, 0


def _without_us(error: BaseException) -> Any:
    found = error.__traceback__
    return found.tb_next if found is not None and found.tb_next is not None else found


def _failure(error: BaseException, text: str) -> dict[str, Any]:
    try:
        payload = _dumps(error)
        pickle.loads(payload)  # noqa: S301  # it was made one line above
    except Exception:  # noqa: BLE001  # an exception that cannot be sent is told by its text
        payload = None
    return {"kind": "error", "payload": payload, "shown": repr(error)[:2000], "traceback": text[-_MAX_TEXT:]}


def _dumps(value: Any) -> bytes:
    import cloudpickle

    found: bytes = cloudpickle.dumps(value, protocol=5)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

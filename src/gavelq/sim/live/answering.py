"""The process that the daemon asks: a question on standard input, the answer as JSON on standard output, and an end."""

import json
import os
import pickle
import resource
import sys
from math import inf
from typing import Any, BinaryIO

from gavelq.core.step import Changes
from gavelq.scheduling.question import Question
from gavelq.sim.live.expectation import Expectation
from gavelq.sim.live.forecast import Forecast, forecast, state_of

MAX_CPU_S = 60
MAX_BYTES = 2 << 30
"""Of memory: it is a guest on the machine."""
_NICE = 10


def main() -> None:
    """Answer one question and end."""
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_BYTES, MAX_BYTES))
    question, pieces = read_question(sys.stdin.buffer)
    json.dump(answer(question, pieces), sys.stdout, separators=(",", ":"))
    sys.stdout.flush()


def read_question(stream: BinaryIO) -> tuple[Question, list[Changes]]:
    """What the daemon wrote. It comes through a pipe from the process that started this one, and from nobody else."""
    question: Question = pickle.load(stream)  # noqa: S301  # see above
    pieces: list[Changes] = []
    while True:
        try:
            pieces.append(pickle.load(stream))  # noqa: S301  # see above
        except EOFError:
            return question, pieces


def answer(question: Question, pieces: list[Changes]) -> dict[str, Any]:
    """One forecast for each policy, and how long each waiting or running task is expected to run."""
    state = state_of(question, pieces)
    expected = Expectation(state.learned, question.assumed_s)
    lengths = {task.id: expected.of(task) for task in state.tasks.values()}
    found = []
    for number, policy in enumerate(question.policies):
        found.append(_shown(forecast(question, state, policy)))
        if number + 1 < len(question.policies):
            state = state_of(question, pieces)
    return {"lengths": {one: [_finite(of.seconds), of.basis] for one, of in lengths.items()}, "forecasts": found}


def _shown(found: Forecast) -> dict[str, Any]:
    starts = {one: [start.at, _finite(start.end), start.gpus] for one, start in found.starts.items()}
    return {"starts": starts, "waits": found.waits, "is_whole": found.is_whole, "events": found.events}


def _finite(seconds: float) -> float | None:
    return None if seconds == inf else seconds

"""Requests made from the OpenAPI document, sent to a live daemon: for the tests, and many more for scripts/soak."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.daemon import Box, box

LEFT_OUT = {
    "POST /api/daemon/stop": "it would end the daemon",
    "POST /api/backup": "it would write files wherever it may",
    "GET /api/events": "its answer has no end",
}
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_WAITS = ("timeout", "wait")


@dataclass
class Told:
    """What became of it."""

    n_cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@contextmanager
def target() -> Iterator[Box]:
    """A daemon that starts no task: what is submitted here is any text at all."""
    env = {
        "GAVELQ_LIMITS_MAX_RUNNING": "0", "GAVELQ_HTTP_RATE_LIMIT": "none", "GAVELQ_SUBMIT_DEFAULT_QUEUE": "waiting",
    }  # fmt: skip
    with box(n_gpus=2, listen="127.0.0.1:0", env=env) as instance:
        yield instance


def send_all(at: Box, *, n_cases: int, number: int = 0) -> Told:
    """So many requests, evenly over all operations; the same ones for the same `number`."""
    url = at.get("/api/daemon")["http"]
    token = (at.home / "state" / "admin.token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    schema = schemathesis.openapi.from_dict(at.get("/openapi.json"))
    found = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    wanted = [one for one in found if f"{one.method.upper()} {one.path}" not in LEFT_OUT]
    told = Told()
    for operation in wanted:
        _send(operation, url, headers, told, -(-n_cases // len(wanted)), number)
    return told


def _send(operation: Any, url: str, headers: dict[str, str], told: Told, n_cases: int, number: int) -> None:
    name = f"{operation.method.upper()} {operation.path}"

    @seed(number)
    @settings(
        max_examples=n_cases, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def one(case: Any) -> None:
        for parameter in _WAITS:
            if parameter in (case.query or {}):
                case.query[parameter] = "0"
        answer = case.call(base_url=url, headers=headers, timeout=30)
        told.n_cases += 1
        told.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            told.failures.setdefault(name, "\n".join(str(error) for error in group.exceptions)[:1500])

    one()

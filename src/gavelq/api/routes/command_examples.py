"""Examples of configurations for the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

_CONTENT = "# queue id\n1\npython a.py --x 1\n# GPU memory (GB)\n20\n\n1\npython a.py --x 2\n"
_MISTAKE: Json = {
    "line": 8,
    "problem": "the block ends after 2 line(s)",
    "hint": "a block is a queue id, command lines, the GPU memory in GB",
    "block": "block 2 (queue '1', from line 7)",
}
_TASK: Json = {"process_index": 0, "line": 2, "commands": ["python a.py --x 1"], "gpu_count": 1, "memory_gb": 20}
_COUNTS: Json = {"n_tasks": 1, "n_queues": 1, "n_mistakes": 1}
_STANDS: Json = {"queues": {"1": [_TASK]}, "mistakes": [_MISTAKE]}
SHORT: Json = {
    "id": 7, "mode": "single", "config_index": 1, "index": 2, "name": "sweep.txt", "tenant": "ada", **_COUNTS,
    "is_running": False, "run_id": None, "is_changed": True, "workdir": "/home/ada/work", "has_env": True,
    "n_bindings": 0, "etag": '"7-3"', "modified_at": "2026-08-01T09:30:00.000000Z", "modified_by": "ada",
}  # fmt: skip
LIST = [SHORT]
TEXT: Json = {**SHORT, "content": _CONTENT, **_STANDS}
ALL = [TEXT]
CHECKED: Json = {"mode": "single", **_COUNTS, **_STANDS}
CREATE: Json = {"content": _CONTENT, "name": "sweep.txt", "workdir": "/home/ada/work", "env": {"PATH": "/usr/bin"}}
PUT: Json = {"content": _CONTENT, "name": "sweep.txt"}
NAME: Json = {"name": "sweep, second try"}
DELETED: Json = {**SHORT, "n_moved": 1}

MATCH: Json = {
    "parameters": [
        {"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}, "example": '"7-3"'}
    ]
}
"""The header that names the version which a change was made to."""


def answers(example: object, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What FastAPI's `responses` wants for one answer."""
    return {status: {"content": {"application/json": {"example": example}}}}


def body(example: object) -> dict[str, Any]:
    """What `openapi_extra` wants for a request body."""
    schema = {"schema": {"type": "object"}, "example": example}
    return {"requestBody": {"content": {"application/json": schema}}}

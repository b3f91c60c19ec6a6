"""Examples of bound log files for the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

BIND: Json = {
    "mode": "single",
    "config_index": 0,
    "queue_id": "car",
    "process_index": 1,
    "log_path": "out/car-2.log",
}
_AT = "2026-08-01T09:30:00.000000Z"
BINDING: Json = {
    "key": "single_0_car_1", "mode": "single", "config_index": 0, "index": 1, "name": "sweep.txt",
    "queue_id": "car", "process_index": 1, "path": "/home/ada/work/out/car-2.log", "exists": True, "size": 5120,
    "modified_at": _AT, "bound_at": _AT, "bound_by": "ada", "known": True, "problem": None, "task_id": 42,
    "task_state": "running",
}  # fmt: skip
BOUND: Json = {**BINDING, "replaced": None}
UNBOUND: Json = {"unbound": "single_0_car_1", "path": "/home/ada/work/out/car-2.log"}
BINDINGS: Json = {"bindings": {"single_0_car_1": BINDING}, "roots": ["/home/ada"]}
READ: Json = {
    "path": "/home/ada/work/out/car-2.log", "exists": True, "size": 5120, "modified_at": _AT,
    "identity": "fd00-1a2b", "start": 5095, "next_offset": 5120, "truncated": False, "encoding": "utf-8",
    "content": "step 100 of 900 loss 0.1\n",
}  # fmt: skip
CONTENT: Json = {**READ, "key": "single_0_car_1", "task_id": 42, "task_state": "running", "ended": False}

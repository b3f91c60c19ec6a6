"""Examples of runs for the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

_DONE: Json = {
    "index": 0, "status": "completed", "commands": ["python a.py --x 1"], "memory_gb": 20, "gpu_count": 1,
    "current_gpu": None, "gpus": [2], "retry_count": 0, "last_error": None, "task_id": 40, "name": "sweep.txt:1:1",
    "task_state": "completed", "exit_code": 0, "end_reason": "exit_zero",
    "started_at": "2026-08-01T09:30:01.000000Z", "ended_at": "2026-08-01T09:42:13.000000Z", "pending_reason": None,
}  # fmt: skip
_NOW: Json = {
    **_DONE, "index": 1, "status": "running", "commands": ["python a.py --x 2"], "current_gpu": 0, "gpus": [0],
    "retry_count": 1, "last_error": "failed: its command ended with exit code 1", "task_id": 41,
    "name": "sweep.txt:1:2", "task_state": "running", "exit_code": None, "end_reason": None,
    "started_at": "2026-08-01T09:43:02.000000Z", "ended_at": None,
}  # fmt: skip
_COUNTERS: Json = {
    "pending_tasks": 0, "running_tasks": 1, "completed_tasks": 1, "failed_tasks": 0, "total_tasks": 2,
    "cancelled_tasks": 0, "skipped_tasks": 0, "retries": 1,
}  # fmt: skip
_EXPECTED: Json = {
    "expected_end_at": "2026-08-01T09:55:14.000000Z",
    "expected_basis": "the mean of 1 completed task(s) of its queue (1); waits for GPUs between tasks are not counted",
}
_QUEUE: Json = {
    "id": "1", "status": "running", "current_gpu": 0, "current_task": "sweep.txt:1:2", **_COUNTERS,
    "last_error": _NOW["last_error"], "last_error_task_id": 41, "current_task_id": 41, "gpus": [0],
    "memory_used_mib": 18200,
    "pending_reason": None, "pending_detail": None, "started_at": "2026-08-01T09:30:01.000000Z", "ended_at": None,
    **_EXPECTED, "processes": [_DONE, _NOW],
}  # fmt: skip
SCHEDULER: Json = {
    "pid": 12, "mode": "single", "config_index": 0, "state": "running", "started_at": "2026-08-01T09:30:00.000000Z",
    "gpus_used": [0], "gpu_assignments": {"0": ["1"]}, **_COUNTERS, "last_error": _NOW["last_error"], "run": 12,
    "submission_id": 12, "index": 1, "name": "sweep.txt", "tenant": "ada", "started_by": "ada", "ended_at": None,
    "expected_end_at": _EXPECTED["expected_end_at"],
    "expected_basis": f"queue 1: {_EXPECTED['expected_basis']}", "queues": {"1": _QUEUE},
}  # fmt: skip
LIST: Json = {"schedulers": [SCHEDULER]}

"""Examples of starts, stops and differences for the OpenAPI document."""

from typing import Any

from gavelq.api.routes.scheduler_examples import SCHEDULER

Json = dict[str, Any]

START: Json = {"queue": "night", "priority": 10, "time_limit": "12h", "retries": 2, "on_failure": "stop", "seed": 7}
SUBMIT: Json = {"name": "sweep.txt", "content": "1\npython a.py --x 1\n20\n\n2\npython a.py --x 2\n20\n", **START}
SUBMITTED: list[Json] = [
    {"id": 71, "name": "sweep.txt:1:1", "state": "starting", "queue": "night", "submission_id": 13, "gpu_count": 1},
    {"id": 72, "name": "sweep.txt:2:1", "state": "pending", "queue": "night", "submission_id": 13, "gpu_count": 1},
]
"""Not all fields of a task."""
STOPPED: Json = {**SCHEDULER, "state": "stopping", "n_done": 5, "n_refused": 0}
DIFFERENCE: Json = {
    "pid": 12, "submission_id": 12, "mode": "single", "config_index": 0, "name": "sweep.txt", "etag": '"7-4"',
    "is_changed": True, "is_applied": False, "n_kept": 3, "n_moved": 1, "n_added": 1, "n_removed": 1, "n_started": 2,
    "queues": {"1": {
        "n_kept": 3, "n_started": 2,
        "added": [
            {"task_id": None, "line": 14, "commands": ["python a.py --x 9"], "gpu_count": 1, "memory_gb": 20},
        ],
        "removed": [{"task_id": 45, "commands": ["python a.py --x 4"]}],
        "moved": [{"task_id": 44, "line": 18}],
        "started": [{"task_id": 41, "state": "running", "line": 6}],
    }},
}  # fmt: skip
APPLY: Json = {"dry_run": False}
APPLIED: Json = {**DIFFERENCE, "is_applied": True}

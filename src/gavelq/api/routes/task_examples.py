"""An answer of a dry run, for the OpenAPI document."""

from typing import Any

_TASK: dict[str, Any] = {"id": None, "name": "train", "state": "pending", "queue": "running", "gpu_count": 2}
TRIED: dict[str, Any] = {
    "description": "A dry run: what would come of it; nothing was made",
    "content": {
        "application/json": {
            "example": {
                "valid": True, "task": _TASK, "starts_now": False, "gpus": [],
                "summary": "it would wait (gpu_count): needs 2 GPU(s), 1 would do now: held by task 7",
                "gates": [
                    {
                        "gate": "gpu_count", "passed": False, "reason": "gpu_count",
                        "text": "1 of the 2 needed GPU(s) are left", "details": {"out": 1, "left": 1, "need": 2},
                    }
                ],
                "cards": [
                    {"index": 0, "fits": True, "reason": None, "text": "would do now", "details": {}},
                    {
                        "index": 1, "fits": False, "reason": "gpu_count", "text": "held by task 7",
                        "details": {"cause": "held", "tasks": [7], "n": 1},
                    },
                ],
                "position": 1, "expected_start_at": "2026-08-01T15:04:00.000000Z",
                "expected_basis": "time limits (1); 0 task(s) are ahead of it",
            }
        }
    },
}  # fmt: skip

"""Examples of measures over time for the OpenAPI document."""

from typing import Any

from gavelq.core.measures import MEASURES, Kind

Json = dict[str, Any]


def _points(*means: float | None) -> Json:
    known = [0 if mean is None else 60 for mean in means]
    return {"mean": list(means), "min": list(means), "max": list(means), "count": known}


_GPU_POINTS = {
    "utilization_percent": _points(97.5, 98, None),
    "memory_utilization_percent": _points(51, 52.25, None),
    "memory_used_mib": _points(30720, 30720, None),
    "foreign_memory_mib": _points(0, 0, None),
    "power_w": _points(312.4, 318.9, None),
    "temperature_c": _points(71, 72, None),
    "n_tasks": _points(1, 1, None),
}
_TASK_POINTS = {
    "gpu_memory_mib": _points(30720, 30720, None),
    "gpu_utilization_percent": _points(97.5, 98, None),
    "cpu_percent": _points(382.1, 401.7, None),
    "rss_mib": _points(9120, 9310, None),
    "n_processes": _points(9, 9, None),
}
_GPU: Json = {
    "index": 0, "uuid": "GPU-5f1d2c3b", "name": "NVIDIA RTX A6000", "label": "", "state": "busy", "queue": None,
    "memory_total_mib": 49140, "memory_used_mib": 30720, "memory_free_mib": 0, "utilization_percent": 98,
    "temperature_c": 72, "power_w": 318.9, "power_limit_w": 300.0, "tasks": [42], "processes": [],
}  # fmt: skip
METRICS: Json = {
    "at": "2026-08-01T09:30:07.250000Z",
    "from": "2026-08-01T09:28:00.000000Z",
    "to": "2026-08-01T09:31:00.000000Z",
    "step_s": 60,
    "level_s": 60,
    "n_points": 3,
    "note": "the step is 60 s instead of 1 s: what is that old is kept in steps of 60 s",
    "problem": None,
    "gpus": [_GPU | {"series": {name: _GPU_POINTS[name] for name in MEASURES[Kind.GPU]}}],
    "tasks": [
        {
            "id": 42,
            "name": "train",
            "state": "running",
            "measured": {name: {"peak": 402.5, "mean": 377.25} for name in MEASURES[Kind.TASK]},
            "series": {name: _TASK_POINTS[name] for name in MEASURES[Kind.TASK]},
        }
    ],
}

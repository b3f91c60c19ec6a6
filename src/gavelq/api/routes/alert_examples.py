"""Examples of alerts for the OpenAPI document."""

from typing import Any

Json = dict[str, Any]

MUTE: Json = {
    "rule": "gpu_temperature", "subject": "gpu:GPU-5f1d2c3b", "until": "2026-08-01T11:30:00.000000Z", "by": "ada",
    "at": "2026-08-01T09:30:00.000000Z", "reason": "the fan is on its way",
}  # fmt: skip
ALERTS: Json = {
    "firing": [
        {
            "rule": "gpu_temperature", "subject": "gpu:GPU-5f1d2c3b", "severity": "warning", "text": "GPU 0 is at 93 C",
            "value": 93.0, "tenant": None, "since": "2026-08-01T09:28:00.000000Z",
            "fired_at": "2026-08-01T09:29:00.000000Z", "is_muted": True, "is_told": False,
        }
    ],
    "recent": [
        {
            "at": "2026-08-01T09:29:00.000000Z", "event": "firing", "by": "gavelq", "rule": "gpu_temperature",
            "subject": "gpu:GPU-5f1d2c3b", "severity": "warning", "text": "GPU 0 is at 93 C", "tenant": None,
        }
    ],
    "mutes": [MUTE],
    "is_quiet": False,
    "channels": ["https://hooks.example.org"],
    "n_waiting": 0,
}  # fmt: skip
TEST: Json = {"urls": ["http://127.0.0.1:9/hook"]}
TESTED: Json = {
    "channel": "http://127.0.0.1:9", "delivered": False,
    "problem": "http://127.0.0.1:9 was not told: it cannot be reached: Connection refused",
}  # fmt: skip
WANTED: Json = {"rule": "gpu_temperature", "subject": "gpu:0", "for": "2h", "reason": "the fan is on its way"}

"""The machine at a glance, also in the words that programs of other schedulers know (SPEC section 7)."""

from collections import Counter

from gavelq.core.gpu import GpuState
from gavelq.core.lifecycle import TaskState
from gavelq.daemon.caller import Caller
from gavelq.daemon.discretion import Discretion
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.gpus import GpuService
from gavelq.daemon.views import Json, counts_json, status_of

STATUSES = ("pending", "running", "completed", "failed", "cancelled")


class OverviewService:
    """Counts, and GPUs with their processes as plain lists."""

    def __init__(self, desk: Desk, gpus: GpuService) -> None:
        self._desk = desk
        self._gpus = gpus

    def discretion(self, caller: Caller) -> Discretion:
        """What this caller may hear of others."""
        return self._desk.discretion(caller)

    def gpu(self, caller: Caller) -> list[Json]:
        """`GET /api/gpu`: the GPUs, with the short names beside ours; memory in MiB, utilisation in percent."""
        return [
            {
                **shown,
                "id": shown["index"],
                "memory_total": shown["memory_total_mib"],
                "memory_used": shown["memory_used_mib"],
                "memory_free": shown["memory_free_mib"],
                "utilization": shown["utilization_percent"],
                "temperature": shown["temperature_c"],
                "power": shown["power_w"],
                "status": shown["state"],
            }
            for shown in self._gpus.list_gpus(caller)
        ]

    def processes(self, caller: Caller) -> list[Json]:
        """`GET /api/gpu/processes`: all processes on GPUs that the caller may see, one row for each GPU."""
        return [
            {**process, "gpu": shown["index"], "gpu_uuid": shown["uuid"], "memory_mb": process["memory_mib"]}
            for shown in self._gpus.list_gpus(caller)
            for process in shown["processes"]
        ]

    async def stats(self, caller: Caller) -> Json:
        """`GET /api/stats`: how many tasks (of one's own; for admins, all) and GPUs are doing what."""
        counted = await self._desk.store.counts(tenant=None if caller.is_admin else caller.tenant)
        by_status = Counter[str]()
        for state in TaskState:
            by_status[status_of(state)] += counted.get(state.value, 0)
        shown = self._gpus.list_gpus(caller)
        by_state = Counter(one["state"] for one in shown)
        known = [one for one in shown if one["memory_used_mib"] is not None]
        return {
            "tasks": {"total": sum(counted.values()), **{status: by_status[status] for status in STATUSES}},
            "counts": counts_json(counted),
            "gpus": {"total": len(shown), **{state.value: by_state[state.value] for state in GpuState}},
            "memory_total_mib": sum(one["memory_total_mib"] for one in shown),
            "memory_used_mib": sum(one["memory_used_mib"] for one in known),
            "queues": len(self._desk.state.queues),
        }

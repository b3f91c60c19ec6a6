"""Reads one card, and its MIG devices, through the gateway."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gavelq.adapters.gpu.gateway import Asking, CardUnreachable, Query
from gavelq.adapters.gpu.nodes import Nodes, card_nodes, mig_nodes
from gavelq.adapters.gpu.processes import BYTES_PER_MIB, NO_INSTANCE, Listed, ProcessBook, listed_processes
from gavelq.core.gpu import CardSample, GpuProcess
from gavelq.core.ids import GpuUuid
from gavelq.core.units import MiB

SLOW_S = 10.0
"""How long values that hardly change (power limit, ECC errors) are kept."""

UUID = Query("nvmlDeviceGetUUID")
NAME = Query("nvmlDeviceGetName")
_MEMORY = Query("nvmlDeviceGetMemoryInfo", (0x02000028,), Query("nvmlDeviceGetMemoryInfo"))  # nvmlMemory_v2
_UTILIZATION = Query("nvmlDeviceGetUtilizationRates")
_TEMPERATURE = Query("nvmlDeviceGetTemperature", (0,), Query("nvmlDeviceGetTemperatureV", (0,)))  # NVML_TEMPERATURE_GPU
_POWER = Query("nvmlDeviceGetPowerUsage")
_POWER_LIMIT = Query("nvmlDeviceGetEnforcedPowerLimit")
_CLOCK = Query("nvmlDeviceGetClockInfo", (1,))  # NVML_CLOCK_SM
_FAN = Query("nvmlDeviceGetFanSpeed")
_ECC = Query("nvmlDeviceGetTotalEccErrors", (1, 0))  # uncorrected, since the driver was loaded
_MIG_MODE = Query("nvmlDeviceGetMigMode")
_MIG_COUNT = Query("nvmlDeviceGetMaxMigDeviceCount")
_MIG_HANDLE = Query("nvmlDeviceGetMigDeviceHandleByIndex")
_GPU_INSTANCE = Query("nvmlDeviceGetGpuInstanceId")
_COMPUTE_INSTANCE = Query("nvmlDeviceGetComputeInstanceId")


@dataclass(slots=True, kw_only=True)
class _Mig:
    """What does not change about a MIG device."""

    name: str
    gpu_instance: int | None
    compute_instance: int | None
    nodes: Nodes | None = None


@dataclass(slots=True, kw_only=True)
class KnownCard:
    """A card whose handle and UUID are known, with what need not be asked again at each sample."""

    handle: Any
    uuid: GpuUuid
    index: str
    name: str
    memory_total: MiB | None = None
    knows_mig: bool = True
    power_limit_w: float | None = None
    ecc_errors: int | None = None
    slow_read_at: float | None = None
    migs: dict[GpuUuid, _Mig] = field(default_factory=dict)
    minor: int | None = None
    nodes: Nodes | None = None
    has_asked_nodes: bool = False

    def part(self, gpu_instance: int, compute_instance: int) -> GpuUuid:
        """The MIG device with these instances; the card itself where there is none, or more than one."""
        found = [
            uuid
            for uuid, mig in self.migs.items()
            if mig.gpu_instance == gpu_instance and compute_instance in (mig.compute_instance, NO_INSTANCE)
        ]
        return found[0] if len(found) == 1 else self.uuid


Xids = Mapping[GpuUuid, tuple[int, ...]]


def read_card(nvml: Asking, card: KnownCard, book: ProcessBook, now: float, xids: Xids) -> Iterator[CardSample]:
    """The card as it is now, with the Xid errors that it told of, then its MIG devices. Raises CardUnreachable."""
    memory = _memory(nvml, card.handle)
    utilization = nvml.ask(_UTILIZATION, card.handle)
    temperature = nvml.ask(_TEMPERATURE, card.handle)
    if memory is None and utilization is None and temperature is None and card.memory_total:
        # A card that fell off the bus may answer "unknown error" to everything instead of saying that it is lost.
        raise CardUnreachable(0, "it answers nothing any more")
    if memory is not None:
        card.memory_total = memory[0]
    _read_slow_values(nvml, card, now)
    _read_nodes(nvml, card)
    power = nvml.ask(_POWER, card.handle)
    is_mig_parent = _is_mig_parent(nvml, card)
    yield CardSample(
        uuid=card.uuid,
        index=card.index,
        name=card.name,
        memory_total=card.memory_total or MiB(0),
        memory_used=memory[1] if memory else None,
        utilization=None if utilization is None else utilization.gpu,
        memory_utilization=None if utilization is None else utilization.memory,
        temperature_c=temperature,
        power_w=None if power is None else round(power / 1000, 1),
        power_limit_w=card.power_limit_w,
        fan_percent=nvml.ask(_FAN, card.handle),
        clock_mhz=nvml.ask(_CLOCK, card.handle),
        ecc_errors=card.ecc_errors,
        xids=xids.get(card.uuid, ()),
        is_mig_parent=is_mig_parent,
        nodes=card.nodes,
        # The processes of a GPU in MIG mode belong to its devices.
        processes=() if is_mig_parent else _described(listed_processes(nvml, card.handle), book, now),
    )
    if is_mig_parent:
        yield from _mig_devices(nvml, card, book, now, xids)
    else:
        card.migs.clear()


def _memory(nvml: Asking, handle: object) -> tuple[MiB, MiB] | None:
    """Total and used. What the driver keeps for itself is not part of the total: nobody can ever have it."""
    memory = nvml.ask(_MEMORY, handle)
    if memory is None:
        return None
    reserved = getattr(memory, "reserved", 0)
    # Rounded so that what is left free is never more than there is.
    return MiB((memory.total - reserved) // BYTES_PER_MIB), MiB(-(-memory.used // BYTES_PER_MIB))


def _read_slow_values(nvml: Asking, card: KnownCard, now: float) -> None:
    if card.slow_read_at is not None and 0 <= now - card.slow_read_at < SLOW_S:
        return
    limit = nvml.ask(_POWER_LIMIT, card.handle)
    card.power_limit_w = None if limit is None else round(limit / 1000, 1)
    card.ecc_errors = nvml.ask(_ECC, card.handle)
    card.slow_read_at = now


def _read_nodes(nvml: Asking, card: KnownCard) -> None:
    if not card.has_asked_nodes:
        found = card_nodes(nvml, card.handle)
        card.minor, card.nodes = (None, None) if found is None else found
        card.has_asked_nodes = True


def _is_mig_parent(nvml: Asking, card: KnownCard) -> bool:
    if not card.knows_mig:
        return False
    mode = nvml.ask(_MIG_MODE, card.handle)
    card.knows_mig = mode is not None
    return mode is not None and mode[0] == 1


def last_words(card: KnownCard, xids: Xids) -> Iterator[CardSample]:
    """What a card that does not answer any more told before, where it told anything."""
    if xids:
        told = dict.fromkeys(xid for numbers in xids.values() for xid in numbers)
        yield CardSample(
            uuid=card.uuid,
            index=card.index,
            name=card.name,
            memory_total=card.memory_total or MiB(0),
            memory_used=None,
            xids=tuple(told),
            is_mig_parent=bool(card.migs),
        )


def _mig_devices(nvml: Asking, card: KnownCard, book: ProcessBook, now: float, xids: Xids) -> Iterator[CardSample]:
    seen: dict[GpuUuid, _Mig] = {}
    for position in range(nvml.ask(_MIG_COUNT, card.handle) or 0):
        # Devices are made and removed at any time, and a handle may come to mean another one: ask for each anew.
        handle = nvml.ask(_MIG_HANDLE, card.handle, position)
        uuid = None if handle is None else nvml.ask(UUID, handle)
        if uuid is None:
            continue
        mig = seen[uuid] = card.migs.get(uuid) or _Mig(
            name=nvml.ask(NAME, handle) or f"{card.name} MIG",
            gpu_instance=nvml.ask(_GPU_INSTANCE, handle),
            compute_instance=nvml.ask(_COMPUTE_INSTANCE, handle),
        )
        if mig.nodes is None and card.minor is not None:
            mig.nodes = mig_nodes(card.minor, mig.gpu_instance, mig.compute_instance)
        memory = _memory(nvml, handle)
        yield CardSample(
            uuid=uuid,
            index=f"{card.index}:{position}",
            name=mig.name,
            memory_total=memory[0] if memory else MiB(0),
            memory_used=memory[1] if memory else None,
            parent=card.uuid,
            nodes=mig.nodes,
            xids=xids.get(uuid, ()),
            processes=_described(_mig_processes(nvml, card, handle, mig), book, now),
        )
    card.migs = seen


def _mig_processes(nvml: Asking, card: KnownCard, handle: object, mig: _Mig) -> Mapping[int, Listed] | None:
    # An ordinary account may only ask the device itself; some drivers only answer for the whole card.
    own = listed_processes(nvml, handle)
    found = listed_processes(nvml, card.handle) if own is None else own
    if found is None or mig.gpu_instance is None:
        return own
    unnamed = () if own is None else (NO_INSTANCE,)
    return {
        pid: process
        for pid, process in found.items()
        if process.gpu_instance in (mig.gpu_instance, *unnamed)
        and process.compute_instance in (mig.compute_instance, NO_INSTANCE)
    }


def _described(found: Mapping[int, Listed] | None, book: ProcessBook, now: float) -> tuple[GpuProcess, ...]:
    return tuple(book.describe(process.pid, process.memory, now) for process in (found or {}).values())

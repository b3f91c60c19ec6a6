"""The NVIDIA driver, its library and its cards."""

import os
import threading
from collections.abc import Iterator

from gavelq.adapters.doctor.finding import Finding, Wanted, note, ok, problem
from gavelq.adapters.gpu.gateway import CardUnreachable, Gateway, Query
from gavelq.adapters.gpu.nodes import card_nodes
from gavelq.adapters.gpu.nvml_card import NAME, UUID

_AREA = "gpus"
_PATIENCE_S = 10.0
_COUNT, _HANDLE = Query("nvmlDeviceGetCount"), Query("nvmlDeviceGetHandleByIndex")
_DRIVER, _NVML = Query("nvmlSystemGetDriverVersion"), Query("nvmlSystemGetNVMLVersion")
_PERSISTENCE = Query("nvmlDeviceGetPersistenceMode")


def examine(wanted: Wanted) -> Iterator[Finding]:
    """What NVML says; asked in a thread, because a driver can hang."""
    if wanted.provider == "simulated":
        text = f"{wanted.simulated_count} GPUs are pretended (gpu.provider: simulated)"
        yield note(_AREA, "provider", text, "for real ones: gavelq config set gpu.provider nvml")
        return
    found: list[Finding] = []
    done = threading.Event()

    def ask() -> None:
        try:
            found.extend(_asked(Gateway()))
        finally:
            done.set()

    threading.Thread(target=ask, name="doctor-nvml", daemon=True).start()
    if not done.wait(_PATIENCE_S):
        fix = "look at `dmesg` for NVRM messages; a reboot helps where the driver hangs"
        yield problem(_AREA, "driver", f"NVML does not answer within {_PATIENCE_S:.0f} s", fix)
        return
    yield from found


def _asked(nvml: Gateway) -> Iterator[Finding]:
    said = nvml.open()
    if said is not None:
        what, _, fix = said.partition(": ")
        yield problem(_AREA, "library", what, fix or "nvidia-smi tells more")
        return
    try:
        yield ok(_AREA, "library", f"NVML {_text(nvml.ask(_NVML))}, driver {_text(nvml.ask(_DRIVER))}")
        count = nvml.ask(_COUNT) or 0
        if not count:
            yield problem(_AREA, "cards", "the driver lists no GPU", "`lspci | grep -i nvidia` and `dmesg` tell more")
        for index in range(count):
            yield from _card(nvml, index)
        yield from shared_nodes()
    except CardUnreachable as error:
        yield problem(_AREA, "driver", f"it stopped answering: {error}", "`dmesg` tells more (Xid)")
    finally:
        nvml.close()


def _card(nvml: Gateway, index: int) -> Iterator[Finding]:
    name = f"GPU {index}"
    try:
        handle = nvml.ask(_HANDLE, index)
        if handle is None:
            raise CardUnreachable(0, "it gives no handle")
        uuid, model = _text(nvml.ask(UUID, handle)), _text(nvml.ask(NAME, handle))
        mode, nodes = nvml.ask(_PERSISTENCE, handle), card_nodes(nvml, handle)
    except CardUnreachable as error:
        yield problem(
            _AREA, name, f"it does not answer: {error}", "`dmesg` tells more (Xid); a reset or a reboot helps"
        )
        return
    yield ok(_AREA, name, f"{model}, {uuid}")
    if mode == 0:
        text = "persistence mode is off: the driver lets go of the card between tasks, and each start takes longer"
        yield note(_AREA, name, text, "have root say: nvidia-smi -pm 1 (or start nvidia-persistenced)")
    for node in nodes[1][:1] if nodes is not None else ():
        if not os.access(f"/dev/{node}", os.R_OK | os.W_OK):
            yield problem(_AREA, name, f"/dev/{node} cannot be opened by you", f"check it with: ls -l /dev/{node}")


def shared_nodes(dev: str = "/dev") -> Iterator[Finding]:
    """What every CUDA program opens beside its cards. It is made at the first use by a setuid program."""
    for node in ("nvidiactl", "nvidia-uvm"):
        if not os.path.exists(os.path.join(dev, node)):
            text = f"{dev}/{node} is not there: tasks of level `device` cannot use CUDA until somebody else has"
            yield note(_AREA, node, text, "have root say: nvidia-modprobe -u -c 0 (at each boot)")


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else "?" if value is None else str(value)

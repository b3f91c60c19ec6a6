"""Which files below /dev belong to a card: what a task must be able to open to use it.

* /dev/nvidiaN, by the minor number (nvmlDeviceGetMinorNumber), which need not be the index;
* /dev/dri/cardN and renderDN, by the PCI address (/sys/bus/pci/devices/ADDRESS/drm);
* of a MIG device, its GPU's node and those of its instances below /dev/nvidia-caps, which the driver lists in
  /proc/driver/nvidia-caps/mig-minors (`gpu0/gi1/ci0/access 13`; "MIG user guide", device nodes).

What all cards share (nvidiactl, nvidia-uvm, ...) is nobody's.
"""

import os

from gavelq.adapters.gpu.gateway import Asking, Query

_MINOR = Query("nvmlDeviceGetMinorNumber")
_PCI = Query("nvmlDeviceGetPciInfo_v3", (), Query("nvmlDeviceGetPciInfo"))
_SYS, _MIG_MINORS = "/sys", "/proc/driver/nvidia-caps/mig-minors"

Nodes = tuple[str, ...]
"""Names below /dev."""


def card_nodes(nvml: Asking, handle: object, *, sys: str = _SYS) -> tuple[int, Nodes] | None:
    """Its minor number and its nodes; None where the driver does not tell. Raises CardUnreachable."""
    minor = nvml.ask(_MINOR, handle)
    if minor is None:
        return None
    return int(minor), (f"nvidia{minor}", *_drm(nvml.ask(_PCI, handle), sys))


def _drm(pci: object, sys: str) -> Nodes:
    text = getattr(pci, "busId", "")
    address = (text.decode("ascii", "replace") if isinstance(text, bytes) else str(text)).lower()
    # NVML writes the domain with eight digits, the kernel with four (more only where it needs them).
    domain, colon, rest = address.partition(":")
    if not colon or not domain.isalnum():
        return ()
    try:
        names = os.listdir(f"{sys}/bus/pci/devices/{domain[-4:]}:{rest}/drm")
    except OSError:
        return ()
    return tuple(f"dri/{name}" for name in sorted(names) if name.startswith(("card", "renderD")))


def mig_nodes(
    minor: int, gpu_instance: int | None, compute_instance: int | None, *, table: str = _MIG_MINORS
) -> Nodes | None:
    """The nodes of a MIG device on the GPU with this minor number; None where they cannot be told."""
    if gpu_instance is None or compute_instance is None:
        return None
    instance = f"gpu{minor}/gi{gpu_instance}"
    try:
        with open(table, encoding="ascii", errors="replace") as file:
            entries = dict(line.split(None, 1) for line in file if len(line.split(None, 1)) == 2)
    except OSError:
        return None
    caps = [entries.get(f"{instance}/{part}") for part in ("access", f"ci{compute_instance}/access")]
    if None in caps:
        return None
    return (f"nvidia{minor}", *(f"nvidia-caps/nvidia-cap{number.strip()}" for number in caps if number is not None))

"""Which reports of a driver mean that a card (or the driver's state of it) is broken.

The numbers are those of NVIDIA's public catalogue (https://docs.nvidia.com/deploy/xid-errors/). A fault is what its
catalogue answers with a reset, a reboot or a replacement. What a program does wrong (a wrong address, say) ends that
program and leaves the card well: it is told and nothing more.
"""

from collections.abc import Iterator, Mapping

from gavelq.core.gpu import CardSample

FAULTS: Mapping[int, str] = {
    48: "double-bit ECC error",
    54: "auxiliary power is not connected",
    61: "internal micro-controller warning",
    62: "internal micro-controller halt",
    64: "a bad part of the memory could not be retired",
    74: "NVLink error",
    79: "GPU has fallen off the bus",
    92: "high rate of single-bit ECC errors",
    94: "contained memory error",
    95: "uncontained memory error",
    110: "security fault",
    119: "GPU firmware (GSP) does not answer",
    120: "GPU firmware (GSP) error",
    140: "unrecovered memory error",
    143: "GPU initialization error",
    158: "fatal timeout of the GPU",
    167: "fatal timeout of the PCIe link",
    169: "internal micro-controller halt",
    171: "uncorrectable DRAM error",
    172: "uncorrectable SRAM error",
}
"""Xid errors after which a card is not to be trusted, and what they say."""

_HARMLESS: Mapping[int, str] = {
    8: "GPU stopped processing",
    13: "graphics engine exception",
    31: "memory page fault",
    32: "invalid or corrupted push buffer",
    38: "driver firmware error",
    43: "GPU stopped processing a program",
    45: "cleanup after an earlier error",
    63: "a bad part of the memory is being retired: reset the GPU when it is idle",
    68: "video decoder exception",
    69: "graphics engine class error",
    109: "context switch timeout",
    121: "corrected C2C error",
    137: "NVLink privilege error",
    144: "NVLink error (SAW)",
    145: "NVLink error (RLW)",
    146: "NVLink error (TLW)",
    147: "NVLink error (TREX)",
    148: "NVLink error (NVLPW_CTRL)",
    149: "NVLink error (NETIR)",
    150: "NVLink error (MSE)",
    154: "the driver recommends another recovery action: see nvidia-smi -q",
    156: "a bad part of the GPU is being retired",
}

GONE = "lost: it is not there any more while other GPUs answer"
SILENT = "lost: the driver lists it and gets no answer"


def is_fault(xid: int) -> bool:
    """Whether a card is not to be trusted after this Xid error."""
    return xid in FAULTS


def describe_xid(xid: int) -> str:
    """`Xid 79: GPU has fallen off the bus`; the bare number where it is not known."""
    meaning = FAULTS.get(xid) or _HARMLESS.get(xid)
    return f"Xid {xid}: {meaning}" if meaning else f"Xid {xid}"


def fault_of(seen: CardSample, before: CardSample | None) -> str:
    """What a look tells of a fault, in words; empty for none. `before`: the look before it, where there was one."""
    for xid in seen.xids:
        if is_fault(xid):
            return describe_xid(xid)
    if before is None or before.ecc_errors is None or seen.ecc_errors is None:
        return ""
    # A counter that fell began anew: the driver was loaded again.
    n_new = seen.ecc_errors - before.ecc_errors
    return f"{n_new} new uncorrected ECC error{'s' if n_new > 1 else ''}" if n_new > 0 else ""


def worth_telling(seen: CardSample, before: CardSample | None) -> Iterator[int]:
    """The Xid errors of a look, without those that the look before had as well: a storm is told once."""
    known = frozenset(before.xids if before is not None else ())
    return (xid for xid in dict.fromkeys(seen.xids) if xid not in known)

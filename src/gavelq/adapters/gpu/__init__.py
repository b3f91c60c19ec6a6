"""GPUs as the daemon sees them: through NVML, or simulated."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gavelq.ports import GpuProbe


def open_probe(provider: str, *, simulated_count: int, simulated_memory_mib: int, simulated_dir: str) -> "GpuProbe":
    """The probe that `provider` (`nvml` or `simulated`) names. Touches no driver and no file before its first sample.

    Raises ValueError for any other provider.
    """
    # Imported here: pretended tasks import a module of this package and must start fast.
    if provider == "nvml":
        from gavelq.adapters.gpu.nvml import NvmlProbe

        return NvmlProbe()
    if provider == "simulated":
        from gavelq.adapters.gpu.simulated import SimulatedProbe

        return SimulatedProbe(simulated_count, simulated_memory_mib, simulated_dir)
    raise ValueError(f"gpu.provider: {provider!r} is neither nvml nor simulated")

"""GPUs on lease for a program on asyncio: `async with client.lease(gpus=2) as lease: ...`."""

import asyncio
from types import TracebackType

from gavelq.client import shapes
from gavelq.client.leases import Lease

_AGAIN_S = 0.2


class AsyncLease:
    """A `Lease` whose waiting is done in a thread. What it holds is given back however the block is left."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    @property
    def task(self) -> shapes.Task:
        """The task that the lease is, as it was last seen."""
        return self._lease.task

    @property
    def id(self) -> int:
        """The task's id."""
        return self._lease.id

    @property
    def gpus(self) -> list[int | str]:
        """The indices of the GPUs."""
        return self._lease.gpus

    @property
    def gpu_uuids(self) -> list[str]:
        """The UUIDs of the GPUs."""
        return self._lease.gpu_uuids

    @property
    def env(self) -> dict[str, str]:
        """CUDA_VISIBLE_DEVICES and its like, for `os.environ` or a child's environment."""
        return self._lease.env

    async def acquire(self) -> "AsyncLease":
        """Ask for the GPUs and wait for them. Raises as `Lease.acquire`; a cancelled wait takes the request back."""
        acquiring = asyncio.ensure_future(asyncio.to_thread(self._lease.acquire))
        try:
            await asyncio.shield(acquiring)
        except asyncio.CancelledError:
            # The thread cannot be interrupted, but it ends as soon as its request has been taken back.
            while not acquiring.done():
                await self.release()
                await asyncio.wait([acquiring], timeout=_AGAIN_S)
            if acquiring.exception() is None:
                await self.release()
            raise
        return self

    async def renew(self) -> None:
        """Tell that the owner is still there (a thread does so by itself). Raises WrongState for an owned lease."""
        await asyncio.to_thread(self._lease.renew)

    async def release(self) -> None:
        """Give the GPUs back. Safe to call twice, and where the lease has ended already."""
        await asyncio.to_thread(self._lease.release)

    async def __aenter__(self) -> "AsyncLease":
        return await self.acquire()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.release()

"""GPUs on lease for the processes of a program: `with client.lease(gpus=2) as lease: ...`."""

import os
import socket
import threading
import time
import warnings
from collections.abc import Mapping
from types import TracebackType
from typing import Any, cast

from gavelq.client import lean, shapes
from gavelq.client.http import Link, new_key, query
from gavelq.client.patience import PatientLink
from gavelq.core.errors import GavelqError, NotFound, TimedOut, WrongState

WAITS = frozenset({"held", "pending", "starting"})
"""States of a lease that has not been granted yet."""
_POLL_S = 20.0
_SLACK_S = 15.0
_RELEASE_S = 10.0
"""For so long a release waits for a daemon that is away."""
_RENEWALS = 3
"""So many renewals fit into the time after which a lease expires: one or two may be lost."""


def variables(task: Mapping[str, Any], daemon: Mapping[str, Any], *, is_local: bool = True) -> dict[str, str]:
    """What a program on leased GPUs needs in its environment: the same that a task of gavelq finds (docs/leases.md).

    `is_local`: the daemon's socket can be reached from here.
    """
    found = {
        "CUDA_VISIBLE_DEVICES": ",".join(task["gpu_uuids"]),
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
        "GAVELQ_TASK_ID": str(task["id"]),
        "GAVELQ_ATTEMPT": str(task["attempt"]),
        "GAVELQ_QUEUE": str(task["queue"]),
        "GAVELQ_GPUS": ",".join(str(index) for index in task["gpus"]),
    }
    if is_local:
        found["GAVELQ_SOCKET"] = str(daemon["socket"])
    if len(task["gpu_uuids"]) > 1:
        found |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    if daemon.get("gpu_provider") == "simulated":
        found["GAVELQ_SIM_DIR"] = os.path.join(daemon["state_dir"], "simulated")
    return found


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def renewal_pause(task: Mapping[str, Any]) -> float | None:
    """How many seconds to let pass between two renewals; None where the lease needs none."""
    renew_s = task.get("lease_renew_s")
    return None if renew_s is None else float(renew_s) / _RENEWALS


class Lease:
    """GPUs that are held until `release`, or the end of the `with` block, or of this process.

    Over the unix socket this process is the lease's owner; over TCP a thread renews it.
    """

    def __init__(self, link: Link, request: Mapping[str, Any], *, wait_s: float | None = None) -> None:
        """Nothing is asked for yet. `wait_s`: how long to wait for the GPUs; None: as long as it takes."""
        self._link = link
        self._request = dict(request)
        self._wait_s = wait_s
        self._pid = os.getpid()
        self._over = threading.Event()
        self._renewer: threading.Thread | None = None
        self._task: shapes.Task | None = None
        self._env: dict[str, str] = {}

    @property
    def task(self) -> shapes.Task:
        """The task that the lease is, as it was last seen."""
        if self._task is None:
            raise RuntimeError("the lease has not been asked for: use it in a `with` block, or call acquire()")
        return self._task

    @property
    def id(self) -> int:
        """The task's id."""
        return self.task["id"]

    @property
    def gpus(self) -> list[int | str]:
        """The indices of the GPUs."""
        return self.task["gpus"]

    @property
    def gpu_uuids(self) -> list[str]:
        """The UUIDs of the GPUs."""
        return self.task["gpu_uuids"]

    @property
    def env(self) -> dict[str, str]:
        """CUDA_VISIBLE_DEVICES and its like, for `os.environ` (before CUDA is loaded) or for a child's environment."""
        return dict(self._env)

    def acquire(self) -> "Lease":
        """Ask for the GPUs and wait for them; those that are held already are kept (`with lease.acquire():`).

        Raises TimedOut after `wait_s`, WrongState where the request was ended meanwhile, and what requests raise; then
        nothing is held.
        """
        if self._is_held():
            return self
        self._pid = os.getpid()
        is_local = self._link.address.socket is not None
        request = {"pid": self._pid, **self._request} if is_local else self._request
        self._task = cast(shapes.Task, self._link.fetch("POST", "/api/tasks", request, key=new_key()))
        self._over.clear()
        if renewal_pause(self._task) is not None:
            self._renewer = threading.Thread(target=self._keep, name=f"gavelq-lease-{self.id}", daemon=True)
            self._renewer.start()
        try:
            self._wait()
            daemon = self._link.fetch("GET", "/api/daemon")
            self._env = variables(self._task, daemon, is_local=is_local)
        except BaseException:
            self.release()
            raise
        return self

    def _is_held(self) -> bool:
        """Whether this process was granted it, and it has not ended meanwhile. Raises what requests raise."""
        if self._task is None or os.getpid() != self._pid or self._over.is_set():
            return False
        try:
            self._task = cast(shapes.Task, self._link.fetch("GET", f"/api/tasks/{self.id}"))
        except NotFound:
            return False
        return self._task["state"] == "running"

    def _wait(self) -> None:
        link = PatientLink(self._link, was_there=True)
        deadline = None if self._wait_s is None else time.monotonic() + self._wait_s
        while self.task["state"] in WAITS:
            left = _POLL_S if deadline is None else max(0.0, min(_POLL_S, deadline - time.monotonic()))
            target = f"/api/tasks/{self.id}/turn" + query([("state", self.task["state"]), ("timeout", f"{left:g}")])
            self._task = cast(shapes.Task, lean.loads(link.get(target, timeout_s=left + _SLACK_S).body))
            if deadline is not None and time.monotonic() >= deadline and self._task["state"] in WAITS:
                why = self._task["pending_detail"] or self._task["pending_reason"] or self._task["state"]
                raise TimedOut(timeout_s=f"{self._wait_s:g}", what=f"lease {self.id} was not granted: {why}")
        if self.task["state"] != "running":
            raise WrongState(
                what=f"lease {self.id}", state=self.task["state"],
                problem=self.task["end_detail"] or self.task["end_reason"] or "it ended before it was granted",
            )  # fmt: skip

    def renew(self) -> None:
        """Tell that the owner is still there (a thread does so by itself). Raises WrongState for an owned lease."""
        self._task = cast(shapes.Task, self._link.fetch("POST", f"/api/tasks/{self.id}/renew", {}))

    def _keep(self) -> None:
        pause = renewal_pause(self.task) or 1.0
        wait_s = pause
        while not self._over.wait(wait_s):
            wait_s = pause
            try:
                self._link.send("POST", f"/api/tasks/{self.id}/renew", {})
            except (WrongState, NotFound):
                return
            except GavelqError:
                wait_s = min(1.0, pause)  # the daemon is away: its absence does not count, but its return does

    def release(self) -> None:
        """Give the GPUs back. Safe to call twice, and where the lease has ended already.

        In a process that was forked off its owner it does nothing: the lease is not that one's to give.
        """
        if self._task is None or os.getpid() != self._pid or self._over.is_set():
            return
        self._over.set()
        link = PatientLink(self._link, was_there=True)
        try:
            reply = link.post(f"/api/tasks/{self.id}/release", deadline=time.monotonic() + _RELEASE_S)
            self._task = cast(shapes.Task, lean.loads(reply.body))
        except (WrongState, NotFound):
            return  # it is over
        except GavelqError as error:
            why = f"lease {self.id} could not be given back ({error.message}); it ends with this process"
            warnings.warn(why, RuntimeWarning, stacklevel=2)
        finally:
            if self._renewer is not None:
                self._renewer.join()
                self._renewer = None

    def __enter__(self) -> "Lease":
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()

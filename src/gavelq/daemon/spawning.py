"""From a placed task to what the runner is asked to start: argument vectors, environment, ports."""

import socket
from collections.abc import Mapping

from gavelq.core.ids import TaskId
from gavelq.core.task import Argv, Attempt, Command, Lease, Script, ShellLines, Task
from gavelq.ports import SCRIPT_PLACEHOLDER, SpawnRequest


def steps_of(command: Command) -> tuple[tuple[str, ...], ...]:
    """The argument vectors that run one after another. User data never passes through a shell of ours."""
    match command:
        case ShellLines(lines=lines):
            return tuple(("bash", "-c", line) for line in lines)
        case Argv(argv=argv):
            return (argv,)
        case Script(interpreter=interpreter, args=args):
            return ((*interpreter, SCRIPT_PLACEHOLDER, *args),)
        case Lease():
            return ()


class Ports:
    """Free TCP ports on the loopback address, each leased to one task until it ends."""

    def __init__(self) -> None:
        self._leased: dict[TaskId, int] = {}

    def lease(self, task_id: TaskId) -> int:
        """A port that was free a moment ago and that no other task was given."""
        while True:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in self._leased.values():
                self._leased[task_id] = port
                return port

    def release(self, task_id: TaskId) -> None:
        """The task has ended."""
        self._leased.pop(task_id, None)


def environment(
    task: Task, attempt: Attempt, captured: Mapping[str, str], *, socket_path: str, master_port: int | None,
    simulated_dir: str | None,
) -> dict[str, str]:  # fmt: skip
    """What a task sees (SPEC section 3). GPUs by UUID, so that CUDA's own order of cards does not matter."""
    env = dict(captured)
    env.setdefault("PYTHONUNBUFFERED", "1")
    env.update(
        CUDA_VISIBLE_DEVICES=",".join(attempt.gpus),
        CUDA_DEVICE_ORDER="PCI_BUS_ID",
        GAVELQ_TASK_ID=str(task.id),
        GAVELQ_ATTEMPT=str(attempt.number),
        GAVELQ_QUEUE=task.queue,
        GAVELQ_GPUS=",".join(attempt.indices),
        GAVELQ_SOCKET=socket_path,
    )
    if task.request.array_index is not None:
        env["GAVELQ_ARRAY_INDEX"] = str(task.request.array_index)
    env.update((f"GAVELQ_PARAM_{name}", value) for name, value in task.request.params)
    if master_port is not None:
        env.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(master_port))
    if simulated_dir is not None:
        env["GAVELQ_SIM_DIR"] = simulated_dir
    return env


def spawn_request(
    task: Task, attempt: Attempt, *, env: Mapping[str, str], script: bytes | None, log_max_bytes: int, grace_s: float,
    claims: bool, devices: tuple[str, ...] | None = None,
) -> SpawnRequest:  # fmt: skip
    """Everything the runner needs to start this attempt."""
    warn, command = task.request.warn, task.request.command
    return SpawnRequest(
        task_id=task.id,
        attempt=attempt.number,
        steps=steps_of(task.request.command),
        script=script,
        workdir=task.request.workdir,
        env=env,
        log_path=task.log_path,
        log_max_bytes=log_max_bytes,
        claims=attempt.gpus if claims else (),
        time_limit_s=task.request.time_limit_s,
        warn_signal=None if warn is None else warn.signal,
        warn_before_s=0.0 if warn is None else warn.before_s,
        lease=isinstance(command, Lease),
        owner=command.owner if isinstance(command, Lease) else None,
        grace_s=grace_s,
        devices=devices,
    )

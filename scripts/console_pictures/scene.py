"""What is to be seen: a lab's machine on a working day, with eight simulated cards of 48 GiB.

Everything is a real daemon's answer to real requests; only what began long ago is made up (past.py).
"""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console_pictures import past
from console_pictures.lab import Lab, Use, furnish
from console_pictures.past import BEGUN_MINUTES, Age
from gavelq.core.ids import GpuUuid, TaskId
from gavelq.testing.waiting import wait_until
from tests.support.daemon import Box
from tests.support.tenants import As

N_GPUS = 8
FOREIGN = {"5": 39_000}
NOBODY = 65534
USES = {
    "torchrun --nproc-per-node 2 train_sft.py llama3-8b": Use(vram="41G", util=97),
    "python eval.py --task mmlu --ckpt sft/last": Use(vram="9G", util=22),
    "lora.sh --rank 64": Use(vram="26G", oom_above="22G"),
    "python train.py diffusion-ablate-03": Use(vram="33G", util=88),
    "python embed.py corpus-2026": Use(vram="12G", util=42),
    "python serve.py deepseek-7b": Use(vram="15G", util=41),
    "python pack_shards.py": Use(vram="1M"),
}
LLAMA = """\
# llama ablation (multi)
# 队列 1：评测
1
python probe.py --model clip --out {work_dir}/probe
1 # number of GPUs
12 # memory (GB)

1
python eval.py --task mmlu --ckpt sft/last
1
10

# 队列 2：LoRA
2
{work_dir}/lora.sh --rank 64
1
22 # 显存

2
{work_dir}/lora.sh --rank 32
1
22

# 队列 3：SFT
3
torchrun --nproc-per-node 2 train_sft.py llama3-8b
2
40

3
python eval.py --task humaneval
1
10
"""
DRAFT = LLAMA.replace(
    "python eval.py --task humaneval", "rm -rf {work_dir}/eval\npython eval.py --task humaneval"
).replace("1\n22\n\n# 队列 3", "1\n26 GB each\n\n# 队列 3")
"""Two changes, one of them a mistake: what somebody is typing."""
CONVERT = "".join(f"{lane}\npython convert.py --shard {lane}{part}\n4\n\n" for lane in (1, 2) for part in "ab")
GRID = "1\npython grid.py --lr 0.1\n8\n\n1\npython grid.py --lr 0.01\n8\n\n2\npython missing-file.py && false\n8\n"


@dataclass(slots=True)
class Scene:
    """A daemon in the middle of its day, and who looks at it."""

    instance: Box
    mei: As
    """An admin, and the owner of most of what runs."""
    guest: As
    """A tenant with two GPUs."""
    ids: dict[str, int]
    """Tasks by name."""


@contextlib.contextmanager
def scene() -> Iterator[Scene]:
    """The scene, for as long as somebody looks; nothing of it is left behind."""
    with tempfile.TemporaryDirectory(prefix="gq-", dir="/tmp") as directory, contextlib.ExitStack() as ends:
        root = Path(directory)
        lab = furnish(root, USES)
        env = {
            "GAVELQ_GPU_SAMPLE_INTERVAL_S": "1", "GAVELQ_GPU_SIMULATED_MEMORY": "48G", "GAVELQ_DEBUG": "0",
            "GAVELQ_LOGS_ROOTS": str(lab.workdir),
        }  # fmt: skip
        instance = Box(root / "h", n_gpus=N_GPUS, env=env, listen="127.0.0.1:0")
        ends.callback(instance.close)
        yield _prepared(instance, lab, ends)


def _prepared(instance: Box, lab: Lab, ends: contextlib.ExitStack) -> Scene:
    instance.start()
    tokens = _people(instance)
    _rules(instance)
    cards = [GpuUuid(card["uuid"]) for card in instance.get("/api/gpus")]
    instance.stop()
    past.write(instance.home / "state", cards, time.time())
    history = instance.home / "state" / "history.db"
    kept = history.read_bytes()
    instance.start()
    stranger = ends.enter_context(_stranger())
    _simulate(instance, {"foreign": {card: {"mib": mib, "pid": stranger} for card, mib in FOREIGN.items()}})
    wait_until(lambda: instance.get("/api/gpus/5")["state"] == "foreign", 20, "the stranger is seen")
    mei = As(instance, tokens["mei"])
    _files_of_yesterday(mei, instance, lab)
    ages = _today(mei, instance, lab)
    instance.stop()
    history.write_bytes(kept)  # without the minutes in which the scene was set
    past.age(instance.home / "state", ages, time.time())
    instance.start()
    _simulate(instance, {
        "foreign": {card: {"mib": mib, "pid": stranger} for card, mib in FOREIGN.items()}, "utilization": {"5": 12},
    })  # fmt: skip
    mei = As(instance, tokens["mei"])
    ids = {str(task["name"]): int(task["id"]) for task in instance.get("/api/tasks?limit=200&newest=1")}
    return Scene(instance, mei, As(instance, tokens["priya"]), ids)


def _people(instance: Box) -> dict[str, str]:
    tenants: dict[str, dict[str, Any]] = {
        "mei": {"role": "admin", "weight": 3.5, "max_gpus": 6},
        "jonas": {"weight": 2.5, "max_gpus": 4},
        "priya": {"weight": 2.5, "max_gpus": 4, "max_running": 2},
        "vision-api": {"weight": 1.5, "max_gpus": 2},
    }
    for name, options in tenants.items():
        instance.post("/api/tenants", {"name": name, **options})
    tokens = {
        name: instance.post("/api/tokens", {"tenant": name, "name": label, **more})["token"]
        for name, label, more in (
            ("mei", "mei-laptop", {"scopes": ["admin"]}),
            ("jonas", "jonas-ci", {}),
            ("priya", "notebook", {}),
            ("vision-api", "vision-prod", {"expires": "5d"}),
        )
    }
    instance.post("/api/queues", {"name": "vision", "max_running": 1})
    instance.post("/api/queues", {"name": "nightly", "max_util": 30, "paused": True})
    instance.post("/api/gpus/allocate", {"queue": "vision", "gpus": ["2"]})
    instance.post("/api/gpus/7/ignore")
    return tokens


def _rules(instance: Box) -> None:
    """Some changes, so that there is a history."""
    for change in (
        {"rules.gpu_left": 1}, {"rules.maximize_resource_utilization": True},
        {"rules.max_retries": 0, "rules.time_limit": "4h"}, {"rules.gpu_left": 0}, {"rules.on_failure": "stop"},
    ):  # fmt: skip
        instance.request("PUT", "/api/settings", change)


@contextlib.contextmanager
def _stranger() -> Iterator[int]:
    """The pid of a process of somebody else's (where this is root) that ends with us: its input is our pipe."""
    user = NOBODY if os.geteuid() == 0 else None
    words = ["python", "-u", "-"]  # what its command line says; it only reads
    with subprocess.Popen(words, executable="/bin/cat", stdin=subprocess.PIPE, user=user, cwd="/") as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _simulate(instance: Box, content: dict[str, Any]) -> None:
    path = instance.home / "state" / "simulated" / "faults.json"
    new = path.with_suffix(".new")
    new.write_text(json.dumps(content))
    new.rename(path)


def _files_of_yesterday(mei: As, instance: Box, lab: Lab) -> None:
    """Command files that have run: one to its end, one with a failure; and one that waits to be started."""
    told = {"workdir": str(lab.workdir), "env": lab.env}
    for index, (name, text) in enumerate((("baselines", CONVERT), ("hparam-grid", GRID), ("ckpt-convert", CONVERT))):
        _put(mei, "single", index, {"content": text, "name": name, **told})
    for index in (1, 2):
        run = mei.post(f"/api/scheduler/single/start?config_index={index}")["pid"]
        instance.get(f"/api/submissions/{run}/wait?timeout=25")
    _put(mei, "multi", 0, {"content": LLAMA, "name": "llama-ablation", **told})
    _put(mei, "multi", 1, {"content": LLAMA.replace("llama", "nerf"), "name": "nerf-scenes", **told})


def _put(who: As, mode: str, index: int, content: dict[str, Any]) -> None:
    answer = who.ask("PUT", f"/api/commands/{mode}?config_index={index}", content)
    if answer.status not in (200, 201):
        raise RuntimeError(f"{mode} {index}: {answer.text}")


def _today(mei: As, instance: Box, lab: Lab) -> dict[TaskId, Age]:
    """Start what runs, and hand in what waits; how old each is to be."""
    ages: dict[TaskId, Age] = {}
    every = {"workdir": str(lab.workdir), "env": lab.env}

    def submit(name: str, command: str, old: Age, **fields: Any) -> int:
        number = int(instance.post("/api/tasks", {"name": name, "command": command, **every, **fields})["id"])
        ages[TaskId(number)] = old
        return number

    runs = [
        submit("diffusion-ablate-03", "python train.py diffusion-ablate-03",
               Age(minutes=BEGUN_MINUTES[2], gib=33.6, util=88),
               tenant="jonas", queue="vision", time_limit="6h"),
        submit("embed-corpus", "python embed.py corpus-2026", Age(minutes=BEGUN_MINUTES[3], gib=12, util=42),
               tenant="priya", memory="16G", share=True, gpu_ids=["3"], time_limit="2h"),
        submit("deepseek-7b", "python serve.py deepseek-7b", Age(minutes=BEGUN_MINUTES[6], gib=15.3, util=41),
               tenant="vision-api", priority=50, gpu_ids=["6"], time_limit="90m"),
        submit("pack-shards", "python pack_shards.py", Age(minutes=0.2), tenant="priya", gpu_count=0),
    ]  # fmt: skip
    # On the card that is to be free and promised, until the file's tasks stand beside others that share.
    guard = submit("clip-probe", "python serve.py deepseek-7b", Age(minutes=0), tenant="mei", gpu_ids=["4"])
    for number in (*runs, guard):
        instance.wait(number, "running")
    started = mei.post("/api/scheduler/multi/start?config_index=0")
    wait_until(lambda: _is_settled(instance, started["pid"]), 40, "the file runs")
    instance.post(f"/api/tasks/{guard}/kill")
    instance.wait(guard)
    for task in instance.get(f"/api/tasks?submission={started['submission_id']}"):
        is_wide = "torchrun" in task["command"]
        ages[TaskId(task["id"])] = (
            Age(minutes=BEGUN_MINUTES[0], gib=41, util=96) if is_wide else Age(minutes=12, gib=9.5, util=22)
        )
    submit("qwen-32b-lora", "python lora.py qwen-32b", Age(minutes=51), tenant="mei", priority=20, gpu_count=2,
           memory="44G", time_limit="4h")  # fmt: skip
    submit("sam2-finetune", "python finetune.py sam2", Age(minutes=47), tenant="jonas", queue="vision", priority=10,
           time_limit="4h")  # fmt: skip
    submit(
        "whisper-batch", "python whisper.py --batch 64", Age(minutes=33), tenant="jonas", memory="40G", time_limit="3h"
    )
    submit("rlhf-reward", "torchrun reward.py", Age(minutes=30), tenant="jonas", gpu_count=4, time_limit="8h")
    submit("ocr-pages", "python ocr.py", Age(minutes=21), tenant="mei", gpu_ids=["5"], time_limit="1h")
    sweep = {"command": "python sweep.py --lr {lr}", "params": {"lr": ["0.3", "0.1", "0.03", "0.01", "0.003"]}}
    for task in instance.post("/api/submissions", {"tasks": [{
        "name": "lr-sweep", **sweep, **every, "tenant": "priya", "memory": "8G", "time_limit": "2h",
    }]}):  # fmt: skip
        ages[TaskId(task["id"])] = Age(minutes=18)
    submit(
        "vit-pretrain", "python pretrain.py vit-l", Age(minutes=600), tenant="jonas", queue="waiting", time_limit="12h"
    )
    return ages


def _is_settled(instance: Box, run: int) -> bool:
    """Whether the file's lanes stand where the picture wants them: one runs, one failed, one is at its second task."""
    states = [task["state"] for task in instance.get(f"/api/tasks?submission={run}")]
    return states.count("running") == 2 and {"failed", "completed"} <= set(states)

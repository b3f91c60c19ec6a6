"""The programs of the scene: names that people know, which pretend to use simulated cards and print a training log."""

import json
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

_STUB = """\
import json, os, random, sys, time
use = json.load(open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "uses.json"))).get(" ".join(sys.argv[1:]))
chance, loss = random.Random(7), 3.9
print("model loaded, 8,031,232 parameters trained of 6.7 B", flush=True)
for step in range(20, 1440, 20):
    loss = 1.6 + (loss - 1.6) * 0.965
    seen, speed = loss + chance.uniform(-0.03, 0.03), chance.randrange(2980, 3110)
    print(f"step {step:>5}  loss {seen:.4f}  lr 2.0e-04  {speed} tokens/s")
    if step % 400 == 0:
        print(f"step {step:>5}  eval: loss {loss + 0.04:.4f}, {2.71828 ** (loss + 0.04):.2f} perplexity; saved")
sys.stdout.flush()
if not os.environ.get("CUDA_VISIBLE_DEVICES"):
    time.sleep(3600 if use else 0.2)
    sys.exit()
words = (use or "--vram 1G --hold 0.2").split()
os.execv(sys.executable, [sys.executable, "-m", "gavelq.testing.simtask", *words])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a command pretends to do on each of its cards."""

    vram: str
    util: int = 0
    hold_s: float = 3600.0
    oom_above: str | None = None

    @property
    def words(self) -> str:
        """The options of `gavelq.testing.simtask`."""
        more = f" --oom-above {self.oom_above}" if self.oom_above else ""
        return f"--vram {self.vram} --util {self.util} --hold {self.hold_s}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A directory to work in, and one of programs for PATH."""

    workdir: Path
    path: str

    @property
    def env(self) -> dict[str, str]:
        """What tasks get."""
        return {
            "PATH": self.path,
            "HOME": str(self.workdir),
            "LANG": "C.UTF-8",
            "WANDB_MODE": "offline",
            "OMP_NUM_THREADS": "8",
        }


def furnish(root: Path, uses: dict[str, Use]) -> Lab:
    """Make the lab below a directory. `uses`: what a command line does; any other one ends at once."""
    programs, workdir = root / "bin", root / "lab"
    programs.mkdir()
    workdir.mkdir()
    stub = root / "stub.py"
    stub.write_text(_STUB)
    (root / "uses.json").write_text(json.dumps({line: use.words for line, use in uses.items()}))
    for program in (programs / "python", programs / "torchrun", workdir / "lora.sh"):
        words = [sys.executable, str(stub), program.name]
        program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
        program.chmod(0o755)
    return Lab(workdir=workdir, path=f"{programs}:/usr/bin:/bin")

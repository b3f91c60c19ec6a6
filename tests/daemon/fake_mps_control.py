"""A pretended nvidia-cuda-mps-control for tests: keeps a file in the pipe directory, writes down what it is told.

Written from the public description of the program (`-d` starts the control daemon, commands come on standard input,
nothing answers where no daemon runs). It limits nothing: what is tested is when it is started, quit, and told to tasks.
"""

import json
import os
import sys


def main() -> int:
    """Returns its exit code."""
    pipe = os.environ["CUDA_MPS_PIPE_DIRECTORY"]
    running = os.path.join(pipe, "control")
    words = sys.argv[1:] or sys.stdin.read().split()
    with open(os.environ["FAKE_MPS_LOG"], "a", encoding="utf-8") as log:
        mode = oct(os.stat(pipe).st_mode & 0o777)
        log.write(json.dumps({"words": words, "gpu": os.environ["CUDA_VISIBLE_DEVICES"], "mode": mode}) + "\n")
    if words == ["-d"]:
        if os.path.exists(running):
            sys.stdout.write("An instance of this daemon is already running\n")
            return 1
        with open(running, "w", encoding="utf-8"):
            pass
    elif not os.path.exists(running):
        sys.stdout.write("Cannot find MPS control daemon process\n")
        return 1
    elif words == ["quit"]:
        os.unlink(running)
    return 0


if __name__ == "__main__":
    sys.exit(main())

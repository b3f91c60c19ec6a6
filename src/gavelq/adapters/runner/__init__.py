"""The runner: a lean process that starts, supervises and reaps tasks, and outlives the daemon (DESIGN section 5).

Two halves that meet at a unix socket:

* the daemon's half, `client` with `link`, `messages` and `starting`: asyncio and core types;
* the runner's half, everything else. It is forked once per task, so it imports the standard library's light parts
  alone: no core, no dataclasses (they load `inspect`), no asyncio, no argparse.

`wire` and `sockets` belong to both.
"""

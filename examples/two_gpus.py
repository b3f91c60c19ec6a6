"""Data-parallel in shape only: one process per GPU, which add up their numbers over MASTER_ADDR:MASTER_PORT.

gavelq gives a task with several GPUs a free port of its own, so that two such tasks never meet on one.
"""

import os
import socket
import subprocess
import sys
import time


def worker(rank: int, world: int, device: str) -> None:
    """Rank 0 gathers one number from every other rank and prints the sum."""
    place = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
    print(f"rank {rank} of {world} has {device}")
    if rank != 0:
        with _patiently(place) as link:
            link.sendall(f"{rank + 1}\n".encode())
        return
    total = 1
    with socket.create_server(place) as server:
        for _ in range(world - 1):
            link, _address = server.accept()
            with link, link.makefile() as lines:
                total += int(lines.readline())
    print(f"rank 0 gathered a sum of {total} from {world} ranks")


def _patiently(place: tuple[str, int]) -> socket.socket:
    for _ in range(200):
        try:
            return socket.create_connection(place)
        except ConnectionRefusedError:
            time.sleep(0.05)
    return socket.create_connection(place)


def main() -> int:
    """Start one worker per visible GPU, each with one card; 0 where all of them ended well."""
    devices = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    if len(devices) < 2:
        print("this example wants two GPUs: gavelq submit -c 2 -- python3 examples/two_gpus.py", file=sys.stderr)
        return 2
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, str(rank), str(len(devices)), device],
            env={**os.environ, "CUDA_VISIBLE_DEVICES": device},
        )
        for rank, device in enumerate(devices)
    ]
    return max(process.wait() for process in workers)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        worker(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
    else:
        sys.exit(main())

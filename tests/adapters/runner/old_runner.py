"""A double of a runner of protocol 1: greets, writes down what it is asked, and leaves at a TERM, as one does.

Usage: python old_runner.py DIRECTORY (says `ready` once it listens). Nothing of gavelq is imported: the present code
is not what an old runner would run.
"""

import json
import os
import signal
import socket
import sys


def main(directory: str) -> None:
    """Serve one connection after another, until a signal ends this."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.chdir(directory)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("runner.sock")
    listener.listen(8)
    os.write(1, b"ready\n")
    hello = {
        "kind": "hello", "protocols": [1], "version": "0.1.0", "uid": os.getuid(), "user": "ada",
        "host": socket.gethostname(), "boot_id": "b", "pid": os.getpid(),
    }  # fmt: skip
    while True:
        connection, _ = listener.accept()
        connection.sendall(json.dumps(hello).encode() + b"\n")
        with open("asked", "a") as asked:
            for line in connection.makefile("r"):
                print(line, end="", file=asked, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])

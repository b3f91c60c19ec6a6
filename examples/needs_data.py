"""Fails until its data is there, as first tries do: `needs_data.py FILE`. Make the file and `gavelq task rerun` it."""

import pathlib
import sys


def main(path: pathlib.Path) -> int:
    """Add up the numbers of a file; exit code 3 where there is no such file."""
    if not path.exists():
        print(f"no data at {path}", file=sys.stderr)
        print(f"make some with: seq 100 > {path}", file=sys.stderr)
        return 3
    numbers = [float(line) for line in path.read_text().split()]
    print(f"{len(numbers)} numbers, their sum is {sum(numbers):g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))

"""Standard error on a disk that may be full: a complaint that cannot be written must not end who complains."""

import contextlib
import io
import os
import sys


class _Careful(io.RawIOBase):
    """Descriptor 2; what it does not take is dropped."""

    def writable(self) -> bool:
        return True

    def write(self, content: bytes, /) -> int:  # type: ignore[override]  # only bytes arrive from a text layer
        with contextlib.suppress(OSError):
            os.write(2, content)
        return len(content)


def survive_a_full_disk() -> None:
    """From here on nothing that is written to sys.stderr raises, here and in every process that is forked."""
    sys.stderr = io.TextIOWrapper(_Careful(), encoding="utf-8", errors="backslashreplace", write_through=True)

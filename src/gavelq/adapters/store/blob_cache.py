"""The blobs that were used last, up to a number of bytes: most tasks of a submission share one environment."""

from collections import OrderedDict

from gavelq.core.ids import BlobKey


class BlobCache:
    """Forgets what was not asked for longest."""

    def __init__(self, max_bytes: int = 4 << 20) -> None:
        self._max_bytes = max_bytes
        self._n_bytes = 0
        self._blobs: OrderedDict[BlobKey, bytes] = OrderedDict()

    def get(self, key: BlobKey) -> bytes | None:
        """The content, if it is still here."""
        content = self._blobs.get(key)
        if content is not None:
            self._blobs.move_to_end(key)
        return content

    def put(self, key: BlobKey, content: bytes) -> None:
        """Keep it, and let go of others where there is no room. What is larger than a quarter of it is not kept."""
        if key in self._blobs or len(content) > self._max_bytes // 4:
            return
        self._blobs[key] = content
        self._n_bytes += len(content)
        while self._n_bytes > self._max_bytes:
            self._n_bytes -= len(self._blobs.popitem(last=False)[1])

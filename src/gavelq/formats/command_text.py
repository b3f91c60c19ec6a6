"""The bytes of a command file: encodings and line ends, kept so that an edited file looks as it did."""

from dataclasses import dataclass, replace

MAX_LINE = 131_071
"""MAX_ARG_STRLEN of execve(2) less the final zero: a longer command cannot be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How a file was written."""

    encoding: str = "utf-8"
    newline: str = "\n"
    has_mark: bool = False
    """A byte order mark stands at its beginning, as some Windows editors write it."""
    ends_in_newline: bool = True

    def of(self, text: str) -> "Layout":
        """The same, with what the decoded text tells."""
        return replace(self, ends_in_newline=text.endswith("\n") or not text)

    def encode(self, text: str) -> bytes:
        """A text in this layout; characters that the encoding lacks make it UTF-8."""
        body = text if self.ends_in_newline else text.removesuffix("\n")
        body = body.replace("\n", self.newline)
        try:
            content = body.encode(self.encoding)
        except UnicodeEncodeError:
            content = body.encode("utf-8", "surrogateescape")
        return (b"\xef\xbb\xbf" if self.has_mark else b"") + content


def decode(content: bytes) -> tuple[str, Layout]:
    """The text with `\\n` as line end, and the layout. GBK (as GB 18030) where it is no UTF-8; never fails.

    A file that is neither is read as UTF-8 with its odd bytes kept.
    """
    has_mark = content.startswith(b"\xef\xbb\xbf")
    body = content[3:] if has_mark else content
    newline = "\r\n" if b"\r\n" in body else "\r" if b"\r" in body and b"\n" not in body else "\n"
    for encoding in ("utf-8", "gb18030"):
        try:
            text = body.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        encoding, text = "utf-8", body.decode("utf-8", "surrogateescape")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text, Layout(encoding=encoding, newline=newline, has_mark=has_mark)

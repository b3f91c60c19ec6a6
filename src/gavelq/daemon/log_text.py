"""Bytes of somebody's log as text. They are read in pieces that may begin and end within a character."""

import codecs

_MARK = "\N{REPLACEMENT CHARACTER}"


def as_text(content: bytes) -> tuple[str, str, int]:
    """The text, its encoding, and how many bytes at the end are left out: the beginning of a character.

    Those come with the next piece; where there is nothing else they are not left out. What is no text is replaced
    (U+FFFD). GBK (as GB 18030) is taken where all of it is GBK and more than a fifth of what is not ASCII is no UTF-8:
    one bad byte does not make a UTF-8 log Chinese.
    """
    text, n_left = _decode(content, "utf-8", "replace")
    n_wrong = text.count(_MARK)
    is_cut = n_wrong > 0 and _begins_within(content)
    if not is_cut and n_wrong * 5 > sum(not char.isascii() for char in text):
        try:
            text, n_left = _decode(content, "gb18030", "strict")
        except UnicodeDecodeError:
            return text, "utf-8", n_left
        return text, "gb18030", n_left
    return text, "utf-8", n_left


def is_half(content: bytes) -> bool:
    """Whether this is but the beginning of a character."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        return 0 < len(content) < 4 and not decoder.decode(content)
    except UnicodeDecodeError:
        return False


def _begins_within(content: bytes) -> bool:
    """Whether it begins with the end of a UTF-8 character, and goes on as UTF-8."""
    n = next((at for at, byte in enumerate(content[:4]) if not 0x80 <= byte < 0xC0), 4)
    return 0 < n < 4 and _MARK not in _decode(content[n:], "utf-8", "replace")[0]


def _decode(content: bytes, encoding: str, errors: str) -> tuple[str, int]:
    """The text, and how many bytes at the end are left out."""
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    text = decoder.decode(content)
    n_left = len(decoder.getstate()[0])
    if n_left and n_left == len(content):
        return content.decode(encoding, errors), 0
    return text, n_left

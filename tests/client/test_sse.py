"""Server-sent events: the grammar of the HTML standard, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.client.body import Body
from gavelq.client.sse import Parser, StreamEvent

STREAM = (
    b'\xef\xbb\xbf: a comment\r\n\r\nretry: 250\nid: 7\nevent: started\ndata: {"task_id": 3}\n\n'
    b"data: one\r\ndata:two\rdata:  three\r\n\r\nevent: nothing\n\nid: 9\ndata\n\n"
    b'id: no\x00pe\ndata: "Gr\xc3\xb6\xc3\x9fe"\n\nfield: unknown\ndata: cut off'
)
EVENTS = [
    StreamEvent(id="7", event="started", data={"task_id": 3}),
    StreamEvent(id="7", event="message", data="one\ntwo\n three"),
    StreamEvent(id="9", event="message", data=""),
    StreamEvent(id="9", event="message", data="Größe"),
]


def test_a_stream_is_read_as_the_standard_says() -> None:
    parser = Parser()
    assert parser.feed(STREAM) == EVENTS
    assert (parser.last_id, parser.retry_s) == ("9", 0.25)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_it_does_not_matter_how_the_bytes_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    parser = Parser()
    found = [event for start, end in pairwise(places) for event in parser.feed(STREAM[start:end])]
    assert found == EVENTS


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(noise: bytes) -> None:
    whole, pieces = Parser(), Parser()
    assert whole.feed(noise) == [event for byte in noise for event in pieces.feed(bytes([byte]))]


def test_an_id_stays_until_there_is_another_one() -> None:
    parser = Parser("41")
    assert [event.id for event in parser.feed(b"data: 1\n\nid: 42\ndata: 2\n\nid\ndata: 3\n\n")] == ["41", "42", ""]


@pytest.mark.parametrize("endless", [b"data: 0123456789\n", b"0123456789"])
def test_an_event_without_end_is_refused(endless: bytes) -> None:
    parser = Parser(max_bytes=1000)
    with pytest.raises(ValueError, match="more than 1000 bytes"):
        any(parser.feed(endless) for _ in range(101))


# --- bodies ------------------------------------------------------------------------------------------------

CHUNKED = b"5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n"


@given(st.lists(st.integers(0, len(CHUNKED)), max_size=8))
def test_chunks_are_taken_together_however_they_are_cut(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(CHUNKED)]
    body = Body(200, {"transfer-encoding": "chunked"})
    pieces = [body.feed(CHUNKED[start:end]) for start, end in pairwise(places)]
    assert b"".join(pieces) == b"hello world"
    assert body.is_over


@pytest.mark.parametrize("wrong", [b"x\r\n", b"-1\r\n", b"\r\n", b"1\r\nabc\r\n", b"1" * 5000])
def test_what_is_no_chunk_is_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError):
        Body(200, {"transfer-encoding": "chunked"}).feed(wrong)


def test_a_body_has_a_length_or_ends_with_the_connection() -> None:
    known, unknown = Body(200, {"content-length": "3"}), Body(200, {})
    assert (known.feed(b"ab"), known.is_over, known.feed(b"cd"), known.is_over) == (b"ab", False, b"c", True)
    assert (unknown.feed(b"abc"), unknown.is_over, unknown.until_close) == (b"abc", False, True)
    assert Body(204, {}).is_over
    with pytest.raises(ValueError):
        Body(200, {"content-length": "-3"})

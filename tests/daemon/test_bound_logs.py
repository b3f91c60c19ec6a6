"""Reading a log file of somebody's own: what is refused, and that no byte is lost or told twice."""

import os
import socket
import tempfile
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gavelq.core.errors import InvalidField
from gavelq.daemon import bound_logs
from gavelq.daemon.bound_logs import LogUnreadable, NotAFile, bindable, last_lines, look, read, tail
from gavelq.daemon.log_roots import MAX_PATH, LogRoots, OutsideRoots, absolute, find_roots
from gavelq.daemon.log_text import as_text, is_half
from gavelq.testing.waiting import wait_until


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A directory that logs may lie in; `outside` beside it holds what may not be read."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret\n")
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


def roots_of(root: Path) -> LogRoots:
    state = root / "state"
    return find_roots([str(root)], state=str(state), task_logs=str(state / "logs"))


# --- where -----------------------------------------------------------------------------------------------


def test_what_lies_below_a_root_is_read(root: Path) -> None:
    (root / "a.log").write_text("one\ntwo\n")
    piece = tail(str(root / "a.log"), roots_of(root), 1)
    assert (piece.start, piece.content, piece.end) == (4, b"two\n", 8)


@pytest.mark.parametrize(
    "way", ["outside/secret", "root/../outside/secret", "root/link", "root/chain", "root/folder/secret", "root-too/x"]
)
def test_every_way_out_of_the_roots_is_refused(root: Path, way: str) -> None:
    (root / "link").symlink_to("../outside/secret")
    (root / "chain").symlink_to("link")
    (root / "folder").symlink_to("../outside")
    (root.parent / "root-too").mkdir()
    (root.parent / "root-too" / "x").touch()
    path = str(root.parent / way)
    for act in (look, bindable, lambda p, r: read(p, r, offset=0), lambda p, r: tail(p, r, 9)):
        with pytest.raises(OutsideRoots) as refusal:
            act(path, roots_of(root))
        assert str(root) in refusal.value.message
        assert "logs.roots" in refusal.value.message
        assert "outside" not in refusal.value.message.replace(path, "")


def test_what_is_outside_is_refused_alike_whether_it_exists_or_not(root: Path) -> None:
    (root / "dangling").symlink_to("../outside/nothing")
    (root / "loop").symlink_to("loop")
    for path in (root.parent / "outside" / "nothing", root / "dangling", root.parent / "outside" / "secret" / "below"):
        with pytest.raises(OutsideRoots):
            look(str(path), roots_of(root))
    with pytest.raises(LogUnreadable):
        look(str(root / "loop"), roots_of(root))


def test_a_link_that_changes_all_the_time_never_leads_outside(root: Path) -> None:
    (root / "mine").mkdir()
    (root / "mine" / "secret").write_text("mine\n")
    is_over = threading.Event()

    def turn() -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            (root / "next").symlink_to("mine" if number % 2 else "../outside")
            (root / "next").rename(root / "run")

    turning = threading.Thread(target=turn)
    turning.start()
    seen = set()
    try:
        wait_until(lambda: os.path.lexists(root / "run"))
        for _ in range(2000):
            try:
                seen.add(tail(str(root / "run" / "secret"), roots_of(root), 1).content)
            except OutsideRoots:
                seen.add(b"refused")
    finally:
        is_over.set()
        turning.join()
    assert seen == {b"mine\n", b"refused"}


def test_a_link_that_stays_inside_is_followed(root: Path) -> None:
    (root / "run-7").mkdir()
    (root / "run-7" / "a.log").write_text("x\n")
    (root / "latest").symlink_to("run-7")
    assert read(str(root / "latest" / "a.log"), roots_of(root), offset=0).content == b"x\n"


def test_a_root_may_be_a_link_itself(root: Path) -> None:
    (root / "a.log").write_text("x\n")
    (root.parent / "alias").symlink_to("root")
    found = find_roots([str(root.parent / "alias")], state="/nowhere", task_logs="/nowhere/logs")
    assert read(str(root / "a.log"), found, offset=0).content == b"x\n"


def test_no_root_means_nothing_but_gavelqs_own_logs(root: Path) -> None:
    logs = root / "state" / "logs"
    logs.mkdir(parents=True)
    (logs / "1.log").write_text("x\n")
    (root / "state" / "admin.token").write_text("t\n")
    for roots in (roots_of(root), find_roots([], state=str(root / "state"), task_logs=str(logs))):
        assert tail(str(logs / "1.log"), roots, 1).content == b"x\n"
        with pytest.raises(OutsideRoots):
            tail(str(root / "state" / "admin.token"), roots, 1)


def test_the_whole_disk_may_be_a_root(root: Path) -> None:
    everything = find_roots(["/"], state=str(root / "state"), task_logs=str(root / "state" / "logs"))
    assert look(str(root.parent / "outside" / "secret"), everything) is not None


def test_only_regular_files_are_opened(root: Path) -> None:
    os.mkfifo(root / "fifo")
    (root / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    device = find_roots(["/dev"], state="/nowhere", task_logs="/nowhere/logs")
    for path, roots in [(root / name, roots_of(root)) for name in ("fifo", "folder", "socket")] + [
        (Path("/dev/zero"), device)
    ]:
        for act in (look, bindable, lambda p, r: tail(p, r, 1)):
            with pytest.raises(NotAFile) as refusal:
                act(str(path), roots)
            assert str(path) in refusal.value.message


def test_a_pipe_is_not_even_opened(root: Path) -> None:
    os.mkfifo(root / "fifo")
    with pytest.raises(NotAFile):
        tail(str(root / "fifo"), roots_of(root), 1)
    with pytest.raises(OSError, match="No such device"):  # nobody has it open for reading
        os.open(root / "fifo", os.O_WRONLY | os.O_NONBLOCK)


def test_a_file_without_permission_is_told_so(root: Path) -> None:
    (root / "a.log").write_text("x")
    (root / "a.log").chmod(0)
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    with pytest.raises(LogUnreadable, match="Permission denied"):
        tail(str(root / "a.log"), roots_of(root), 1)


def test_a_file_that_comes_later_may_be_bound_but_not_below_a_file(root: Path) -> None:
    (root / "file").touch()
    assert bindable(str(root / "later" / "on" / "a.log"), roots_of(root)) == (
        str(root / "later" / "on" / "a.log"),
        None,
    )
    with pytest.raises(NotAFile, match="no directory"):
        bindable(str(root / "file" / "below" / "a.log"), roots_of(root))


def test_a_bound_path_has_no_way_back_in_it(root: Path) -> None:
    (root / "deep").mkdir()
    (root / "away").symlink_to("deep")
    assert bindable(str(root / "away" / ".." / "a.log"), roots_of(root))[0] == str(root / "a.log")


@pytest.mark.parametrize(
    "written",
    [
        "",
        "a\0b",
        "x" * (MAX_PATH + 1),
        "/" + "y" * 256,
        "dir/",
        "/",
        "..",
        "a/..",
        "~nobody-is-so-called/x",
        "\udc80\ud800",
    ],
)
def test_what_is_no_path_is_refused(written: str) -> None:
    with pytest.raises(InvalidField) as refusal:
        absolute(written, "/work", field="log_path")
    assert refusal.value.details["field"] == "log_path"


def test_paths_count_from_the_configurations_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert absolute("out//./a.log", "/work", field="f") == "/work/out/a.log"
    assert absolute("~/a.log", None, field="f") == "/home/me/a.log"
    assert absolute("/x/../a.log", None, field="f") == "/x/../a.log"
    with pytest.raises(InvalidField, match="relative"):
        absolute("a.log", None, field="f")


# --- what ------------------------------------------------------------------------------------------------


def reference_tail(content: bytes, n_lines: int, most: int) -> bytes:
    """What `tail` means, said slowly."""
    lines = content.split(b"\n")
    lines = [line + b"\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    kept = lines[-n_lines:] if n_lines else []
    while len(kept) > 1 and len(b"".join(kept)) > most:
        kept = kept[1:]
    return b"".join(kept)[-most:]


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\x00", b"\n")), st.integers(0, 12), st.integers(1, 70))
@example(b"aaaa\nbb", 2, 3)
@example(b"a\nbb\n", 2, 3)
@example(b"\n\n\n", 2, 1)
def test_the_tail_is_the_last_lines_that_fit(content: bytes, n_lines: int, most: int) -> None:
    is_whole = len(content) <= most
    begin = 0 if is_whole else len(content) - most - 1
    assert last_lines(content[begin:], n_lines, is_whole=is_whole) == reference_tail(content, n_lines, most)


@given(st.lists(st.binary(max_size=40), max_size=6), st.integers(1, 30))
def test_pieces_put_together_are_the_file(parts: list[bytes], limit: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.log"
        roots = find_roots([directory], state="/nowhere", task_logs="/nowhere/logs")
        seen, offset, identity = b"", 0, ""
        path.touch()
        for part in parts:
            with path.open("ab") as file:
                file.write(part)
            while (piece := read(str(path), roots, offset=offset, limit=limit, identity=identity)).content:
                assert piece.start == offset
                assert len(piece.content) <= limit
                seen, offset = seen + piece.content, piece.end
                identity = piece.look.identity if piece.look else ""
        assert seen == b"".join(parts)


def test_a_large_file_costs_no_more_than_an_answer(root: Path) -> None:
    path = root / "a.log"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # a hole: a terabyte that takes no space
        file.seek(0, os.SEEK_END)
        file.write(b"\nlast\n")
    assert tail(str(path), roots_of(root), 1).content == b"last\n"
    assert len(tail(str(path), roots_of(root), 10).content) == 5  # what is before is no whole line
    assert len(read(str(path), roots_of(root), offset=5, limit=1 << 60).content) == bound_logs.MAX_READ
    assert read(str(path), roots_of(root), offset=(1 << 40) + 6).content == b""


def test_a_shorter_file_is_read_anew(root: Path) -> None:
    path = root / "a.log"
    path.write_text("12345678\n")
    first = read(str(path), roots_of(root), offset=0)
    os.truncate(path, 0)
    again = read(str(path), roots_of(root), offset=first.end)
    assert (again.is_anew, again.start, again.content) == (True, 0, b"")
    path.write_text("new\n")
    assert read(str(path), roots_of(root), offset=first.end).content == b"new\n"


def test_another_file_of_the_name_is_read_anew_however_long_it_is(root: Path) -> None:
    path = root / "a.log"
    path.write_text("1\n")
    first = read(str(path), roots_of(root), offset=0)
    assert first.look is not None
    path.rename(root / "a.log.1")
    gone = read(str(path), roots_of(root), offset=first.end, identity=first.look.identity)
    assert (gone.look, gone.start, gone.is_anew) == (None, 2, False)
    path.write_text("much longer\n")
    again = read(str(path), roots_of(root), offset=first.end, identity=first.look.identity)
    assert (again.is_anew, again.content) == (True, b"much longer\n")
    assert not read(str(path), roots_of(root), offset=0, identity=first.look.identity).is_anew


# --- as text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
@given(text=st.text(alphabet="ab\n 中文日志损失", min_size=1), limit=st.integers(4, 9))
def test_text_comes_whole_however_it_is_cut(text: str, limit: int, encoding: str) -> None:
    if encoding == "gb18030":
        text = "损" + text  # so that it is no ASCII at first
    content, seen, offset = text.encode(encoding), "", 0
    if encoding == "gb18030":
        limit = len(content)  # which encoding it is, is judged piece by piece
    while offset < len(content):
        piece = content[offset : offset + limit]
        found, said, n_left = as_text(piece)
        assert n_left < len(piece)
        seen, offset = seen + found, offset + len(piece) - n_left
        assert said in ("utf-8", encoding)
    assert seen == text


def test_gbk_is_understood_and_noise_is_marked() -> None:
    assert as_text("损失 0.1\n".encode("gbk")) == ("损失 0.1\n", "gb18030", 0)
    assert as_text("损失 0.1\n".encode("gbk") + b"\xb5") == ("损失 0.1\n", "gb18030", 1)
    assert as_text(b"ok \xff\n") == ("ok \ufffd\n", "utf-8", 0)
    assert as_text("损失\n".encode() + b"\xff\n") == ("损失\n\ufffd\n", "utf-8", 0)
    assert as_text("损失".encode()[1:]) == ("\ufffd\ufffd失", "utf-8", 0)
    assert as_text("损".encode()[:2])[2] == 0


@given(st.binary())
def test_every_byte_is_told_or_left_for_later(content: bytes) -> None:
    text, _, n_left = as_text(content)
    assert n_left < max(1, len(content))
    assert bool(text) == bool(content)


def test_half_a_character_is_known() -> None:
    assert is_half("损".encode()[:2])
    assert not is_half(b"")
    assert not is_half(b"a")
    assert not is_half("损".encode())
    assert not is_half(b"\xff")

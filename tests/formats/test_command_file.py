"""Command files: what people write, what is wrong with it, and writing it back."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from gavelq.formats.command_file import (
    Block,
    CommandFile,
    Line,
    Mode,
    Role,
    mode_of,
    read_command_file,
    write_command_file,
)
from gavelq.formats.command_text import decode

SINGLE = """# 队列编号
1
# command
python a.py --x 1
# GPU memory (GB)
20

vision
cd {work_dir}
bash run.sh "a # b"   # this is the shell's
7.5 # 显存
"""
MULTI = """1 # queue id
rm -rf {work_dir}/out/car
bash {work_dir}/run.sh car
2 # number of GPUs
20 # memory
"""


def read(text: str, mode: Mode = Mode.SINGLE) -> CommandFile:
    return read_command_file(text.encode(), mode)


def told(found: CommandFile) -> list[tuple[int, str]]:
    return [(mistake.line, mistake.problem) for mistake in found.mistakes]


def test_a_single_gpu_file_is_read() -> None:
    found = read(SINGLE)
    assert found.mistakes == ()
    first, second = found.blocks
    assert (first.queue_id, first.commands, first.gpu_count, first.memory) == ("1", ("python a.py --x 1",), 1, 20480)
    assert second.queue_id == "vision"
    assert second.commands == ("cd {work_dir}", 'bash run.sh "a # b"   # this is the shell\'s')
    assert second.memory == 7680
    assert (first.first_line, second.first_line) == (2, 8)


def test_a_multi_gpu_file_is_read() -> None:
    (block,) = read(MULTI, Mode.MULTI).blocks
    assert (block.queue_id, block.gpu_count, block.memory) == ("1", 2, 20480)
    assert block.commands == ("rm -rf {work_dir}/out/car", "bash {work_dir}/run.sh car")


@pytest.mark.parametrize(
    ("name", "mode"), [("commands.txt", "single"), ("gpus_command.txt", "multi"), ("GPUS", "multi")]
)
def test_the_mode_goes_by_the_name(name: str, mode: str) -> None:
    assert mode_of(name) == mode


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_encodings_and_line_ends_do_not_matter_and_are_kept(newline: str, encoding: str) -> None:
    content = SINGLE.replace("\n", newline).encode(encoding)
    found = read_command_file(content, Mode.SINGLE)
    assert found.blocks == read(SINGLE).blocks
    text, layout = decode(content)
    assert layout.of(text).encode(text) == content


@pytest.mark.parametrize(
    ("text", "mode", "line", "problem"),
    [
        ("1\npython a.py\n", Mode.SINGLE, 2, "ends after 2 line"),
        ("1\n\npython a.py\n20\n", Mode.SINGLE, 1, "ends after 1 line"),
        ("1\npython a.py\npython b.py\n", Mode.SINGLE, 3, "not an amount of GPU memory"),
        ("1\npython a.py\n2\n20 GB of it\n", Mode.MULTI, 4, "not an amount of GPU memory"),
        ("1\npython a.py\n20\n", Mode.MULTI, 3, "ends after 3 line"),
        ("1\npython a.py\npython b.py\n20\n", Mode.MULTI, 3, "not a number of GPUs"),
        ("1\npython a.py\n0\n20\n", Mode.MULTI, 3, "not a number of GPUs"),
        ("python a.py\npython b.py\n20\n", Mode.SINGLE, 1, "not a queue id"),
        ("1\na\n-3\n", Mode.SINGLE, 3, "not an amount of GPU memory"),
        ("1\na\n20\n2\nb\n20\n", Mode.SINGLE, 3, "'20' is a number where a command is expected"),
        ("1\na\n2 # GPUs\n20\n", Mode.SINGLE, 3, "'2' is a number where a command is expected"),
        ("1\na\n\t7.5 # GB\nb\n1\n20\n", Mode.MULTI, 3, "'7.5' is a number where a command is expected"),
        ("", Mode.SINGLE, 1, "there is no task"),
        ("# only\n\n# comments\n", Mode.SINGLE, 1, "there is no task"),
        ("1\n" + "x" * 140_000 + "\n2\n", Mode.SINGLE, 2, "more than"),
    ],
)
def test_a_mistake_is_told_with_its_line(text: str, mode: Mode, line: int, problem: str) -> None:
    found = read(text, mode)
    assert next(at for at, _ in told(found)) == line
    assert problem in found.mistakes[0].problem


def test_all_mistakes_are_told_together_with_their_blocks_and_good_blocks_stay() -> None:
    found = read("1\na\nx\n\nok\nb\n2\n\nno id here\nc\ny\n")
    assert [mistake.line for mistake in found.mistakes] == [3, 9, 11]
    assert "block 3 (queue 'no id here', from line 9)" in found.mistakes[1].block
    assert [block.queue_id for block in found.blocks] == ["ok"]


def test_comments_and_their_places_are_kept() -> None:
    text = "# head\n1 # id\n# in between\ncmd\n2\n\n# behind\n"
    found = read(text)
    assert write_command_file(found.blocks, found.tail) == text


IDS = st.text("abc019_.-", min_size=1, max_size=8)
COMMENTS = st.sampled_from(["", " # memory", "\t#显存", "# x # y"])
COMMANDS = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="#"), min_size=1
).filter(lambda line: line.strip() != "" and not line.strip().replace(".", "", 1).isdigit())
NUMBERS = st.sampled_from(["0", "8", "7.5", "24G", "512M"])


@st.composite
def blocks(draw: st.DrawFn, mode: Mode) -> Block:
    notes = st.lists(st.sampled_from(["# a", "#", "  # 注释"]), max_size=1)

    def comment() -> list[Line]:
        return [Line(role=Role.COMMENT, text=text) for text in draw(notes)]

    lines = [*comment(), Line(role=Role.QUEUE, text=draw(IDS), comment=draw(COMMENTS))]
    for text in draw(st.lists(COMMANDS, min_size=1, max_size=3)):
        lines += [*comment(), Line(role=Role.COMMAND, text=text)]
    if mode is Mode.MULTI:
        count = draw(st.integers(1, 16))
        lines += [*comment(), Line(role=Role.GPUS, text=str(count), comment=draw(COMMENTS))]
    lines += [*comment(), Line(role=Role.MEMORY, text=draw(NUMBERS), comment=draw(COMMENTS))]
    return Block(lines=tuple(lines))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(Mode))
def test_what_is_written_reads_as_the_same(data: st.DataObject, mode: Mode) -> None:
    written = data.draw(st.lists(blocks(mode), min_size=1, max_size=4))
    found = read_command_file(write_command_file(written).encode(), mode)
    assert found.mistakes == ()
    assert list(found.blocks) == written
    assert write_command_file(found.blocks) == write_command_file(written)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(Mode))
def test_any_bytes_are_judged_and_never_raise(content: bytes, mode: Mode) -> None:
    found = read_command_file(content, mode)
    assert found.blocks or found.mistakes


def test_a_block_of_very_many_lines_is_read_line_by_line() -> None:
    n_lines = 50_000  # a cost that grew with the square of it would take minutes
    found = read_command_file(b"1\n" + b"x\n# y\n" * n_lines + b"20\n", Mode.SINGLE)
    assert len(found.blocks[0].commands) == n_lines

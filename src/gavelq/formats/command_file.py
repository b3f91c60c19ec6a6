"""Command files: blocks of a queue id, command lines, and numbers at the end (SPEC section 6). Read, judge, write back.

Blocks are separated by blank lines. A block of a single-GPU file ends in the memory of a GPU in GB, one of a multi-GPU
file in the number of GPUs and then the memory. Lines that begin with `#` are comments, wherever they stand; the queue
id and the numbers may carry a comment behind them, commands may not: there a `#` is the shell's.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gavelq.core.errors import InvalidField
from gavelq.core.units import MiB, parse_memory
from gavelq.formats.command_text import MAX_LINE, Layout, decode

MAX_BLOCKS = 10_000
MAX_GPUS = 1024
Wrong = Callable[[int, str, str], None]
"""Notes a mistake: line, problem, hint."""
_QUEUE_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


class Mode(StrEnum):
    """Which kind of file it is."""

    SINGLE = "single"
    MULTI = "multi"

    @property
    def n_numbers(self) -> int:
        """How many lines of numbers end a block."""
        return 1 if self is Mode.SINGLE else 2


class Role(StrEnum):
    """What a line of a block is."""

    COMMENT = "comment"
    QUEUE = "queue"
    COMMAND = "command"
    GPUS = "gpus"
    MEMORY = "memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line: what it says, and the comment behind it as written (with the blanks before it)."""

    role: Role
    text: str
    comment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One task of a command file."""

    lines: tuple[Line, ...]
    first_line: int = field(default=0, compare=False)
    """Where it begins in the file, from 1; 0: it was not read from one."""

    def _one(self, role: Role) -> str:
        return next((line.text for line in self.lines if line.role is role), "")

    @property
    def queue_id(self) -> str:
        """Which lane it belongs to: a number or a word."""
        return self._one(Role.QUEUE)

    @property
    def commands(self) -> tuple[str, ...]:
        """Command lines that run one after another; `{work_dir}` is not replaced yet."""
        return tuple(line.text for line in self.lines if line.role is Role.COMMAND)

    @property
    def gpu_count(self) -> int:
        """How many GPUs it asks for; one in a single-GPU file."""
        return int(self._one(Role.GPUS) or 1)

    @property
    def memory(self) -> MiB:
        """Memory per GPU."""
        return parse_memory(self._one(Role.MEMORY), field="memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong with a file."""

    line: int
    """From 1."""
    problem: str
    hint: str
    block: str
    """The block that it belongs to, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFile:
    """A file that was read: its blocks, what is wrong with it, and how it is laid out."""

    mode: Mode
    blocks: tuple[Block, ...]
    mistakes: tuple[Mistake, ...] = ()
    """Empty for a file that can be run; otherwise blocks that could not be read are left out of `blocks`."""
    tail: tuple[str, ...] = ()
    """Comment lines behind the last block."""
    layout: Layout = field(default_factory=Layout, compare=False)


def mode_of(name: str) -> Mode:
    """The mode of a file without one: multi where its name holds `gpus`."""
    return Mode.MULTI if "gpus" in name.lower() else Mode.SINGLE


def read_command_file(content: bytes, mode: Mode) -> CommandFile:
    """Read a file, all its mistakes at once. UTF-8 and GBK are understood, and any kind of line end."""
    text, layout = decode(content)
    blocks: list[Block] = []
    mistakes: list[Mistake] = []
    tail: list[str] = []
    for number, (first, lines) in enumerate(_paragraphs(text, tail), 1):
        if number > MAX_BLOCKS:
            problem = f"it has more than {MAX_BLOCKS} blocks"
            mistakes.append(Mistake(line=first, problem=problem, hint="cut the file in parts", block=f"block {number}"))
            break
        block = _block(first, lines, mode, number, mistakes)
        if block is not None:
            blocks.append(block)
    if not blocks and not mistakes:
        hint = "write a queue id, command lines and the GPU memory in GB, each on a line of its own"
        mistakes.append(Mistake(line=1, problem="there is no task in it", hint=hint, block="the file"))
    mistakes.sort(key=lambda mistake: mistake.line)
    return CommandFile(
        mode=mode, blocks=tuple(blocks), mistakes=tuple(mistakes), tail=tuple(tail), layout=layout.of(text)
    )


def write_command_file(blocks: Iterable[Block], tail: Iterable[str] = ()) -> str:
    """The text of blocks, one blank line between them; reading it gives equal blocks and tail."""
    parts = ["".join(f"{line.text}{line.comment}\n" for line in block.lines) for block in blocks]
    parts.append("".join(f"{line}\n" for line in tail))
    return "\n".join(part for part in parts if part)


def _paragraphs(text: str, tail: list[str]) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """Runs of lines without a blank one between them, where at least one is no comment; comments before one join it.

    Comments behind the last one go to `tail`.
    """
    run: list[tuple[int, str]] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            run.append((number, line))
        elif any(not _is_comment(line) for _, line in run):
            yield next(number for number, line in run if not _is_comment(line)), run
            run = []
    tail += [line for _, line in run if line.strip()]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _block(first: int, lines: list[tuple[int, str]], mode: Mode, number: int, mistakes: list[Mistake]) -> Block | None:
    said = [(at, line) for at, line in lines if not _is_comment(line)]
    name = f"block {number} (queue {_without_comment(said[0][1])[0][:40]!r}, from line {first})"
    n_before = len(mistakes)

    def wrong(line: int, problem: str, hint: str) -> None:
        mistakes.append(Mistake(line=line, problem=problem, hint=hint, block=name))

    if len(said) < 2 + mode.n_numbers:
        ends = "the GPU memory in GB" if mode is Mode.SINGLE else "the number of GPUs, and the GPU memory in GB"
        wrong(said[-1][0], f"the block ends after {len(said)} line(s)", f"a block is a queue id, command lines, {ends}")
        return None
    roles = _roles(len(said), mode)
    found = {at: _line(line, role, at, wrong) for (at, line), role in zip(said, roles, strict=True)}
    if len(mistakes) > n_before:
        return None
    found |= {at: Line(role=Role.COMMENT, text=line) for at, line in lines if _is_comment(line)}
    return Block(lines=tuple(found[at] for at, _ in lines), first_line=first)


def _roles(n: int, mode: Mode) -> list[Role]:
    numbers = [Role.MEMORY] if mode is Mode.SINGLE else [Role.GPUS, Role.MEMORY]
    return [Role.QUEUE, *[Role.COMMAND] * (n - 1 - len(numbers)), *numbers]


def _line(line: str, role: Role, at: int, wrong: Wrong) -> Line:
    if role is Role.COMMAND:
        _check_command(line, at, wrong)
        return Line(role=role, text=line)
    text, comment = _without_comment(line)
    match role:
        case Role.QUEUE:
            _check_queue(text, at, wrong)
        case Role.GPUS:
            _check_count(text, at, wrong)
        case _:
            _check_memory(text, at, wrong)
    return Line(role=role, text=text, comment=comment)


def _without_comment(line: str) -> tuple[str, str]:
    """What stands before a `#`, and the rest with its blanks."""
    text = line.partition("#")[0].rstrip()
    return text.lstrip(), line[len(text) :] if "#" in line else ""


def _check_command(line: str, at: int, wrong: Wrong) -> None:
    if len(line.encode("utf-8", "surrogateescape")) > MAX_LINE:
        wrong(at, f"the command has more than {MAX_LINE} bytes", "put it into a script")
    text = _without_comment(line)[0]
    if text.isascii() and text.replace(".", "", 1).isdigit():
        hint = "a blank line ends a block; in a file of mode single one number ends it, in one of mode multi two"
        wrong(at, f"{text[:60]!r} is a number where a command is expected", hint)


def _check_queue(text: str, at: int, wrong: Wrong) -> None:
    if not 1 <= len(text) <= 64 or not _QUEUE_CHARS.issuperset(text):
        hint = "the first line of a block is its queue id: a number or a word of A-Z a-z 0-9 _ . -"
        wrong(at, f"{text[:60]!r} is not a queue id", hint)


def _check_count(text: str, at: int, wrong: Wrong) -> None:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_GPUS and len(text) < 9):
        hint = "the last but one line of a block is its number of GPUs, such as 2"
        wrong(at, f"{text[:60]!r} is not a number of GPUs", hint)


def _check_memory(text: str, at: int, wrong: Wrong) -> None:
    try:
        parse_memory(text, field="memory")
    except InvalidField:
        hint = "the last line of a block is the memory of a GPU in GB, such as 20"
        wrong(at, f"{text[:60]!r} is not an amount of GPU memory", hint)

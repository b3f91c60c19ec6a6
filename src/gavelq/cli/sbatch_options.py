"""The options of Slurm's sbatch(1): which there are, which of them take a value, and how a line of them is read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_SHORT = {
    "A": "account", "a": "array", "b": "begin", "D": "chdir", "M": "clusters", "C": "constraint", "S": "core-spec",
    "c": "cpus-per-task", "d": "dependency", "m": "distribution", "e": "error", "x": "exclude",
    "B": "extra-node-info", "G": "gpus", "H": "hold", "i": "input", "J": "job-name", "L": "licenses", "k": "no-kill",
    "F": "nodefile", "w": "nodelist", "N": "nodes", "n": "ntasks", "o": "output", "O": "overcommit",
    "s": "oversubscribe", "p": "partition", "q": "qos", "Q": "quiet", "t": "time", "v": "verbose", "W": "wait",
}  # fmt: skip
_VALUED_NAMES = """
    account acctg-freq array batch bb bbf begin chdir cluster-constraint clusters comment constraint container
    container-id core-spec cores-per-socket cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot dependency
    distribution error exclude export export-file extra extra-node-info gid gpu-bind gpu-freq gpus gpus-per-node
    gpus-per-socket gpus-per-task gres gres-flags hint input job-name kill-on-invalid-dep licenses mail-type mail-user
    mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus network nodefile nodelist nodes ntasks ntasks-per-core
    ntasks-per-gpu ntasks-per-node ntasks-per-socket open-mode output partition prefer priority profile qos
    reservation resv-ports segment signal sockets-per-node switches thread-spec threads-per-core time time-min tmp
    tres-bind tres-per-task uid wait-all-nodes wckey wrap
    """
_PLAIN_NAMES = """
    contiguous hold ignore-pbs no-requeue overcommit parsable quiet reboot requeue spread-job stepmgr test-only
    use-min-nodes verbose wait
    """
_VALUED = frozenset(_VALUED_NAMES.split())
_PLAIN = frozenset(_PLAIN_NAMES.split())
_OPTIONAL = frozenset({"exclusive", "get-user-env", "nice", "no-kill", "oversubscribe", "propagate"})
"""A value of theirs is written behind `=` alone."""
_ALL = tuple(sorted(_VALUED | _PLAIN | _OPTIONAL))


class Misread(ValueError):
    """What cannot be understood; the text says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One option as it was given."""

    name: str
    """Its long name; of an option that sbatch does not have the word as written."""
    value: str
    written: str
    is_known: bool = True


def read(words: Sequence[str]) -> Iterator[Given]:
    """The options of a line. Raises Misread for stray words, missing values, and values where there are none."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word[:1] != "-" or word in ("-", "--"):
            raise Misread(f"{word!r} is no option; values with blanks stand in quotes")
        name, separator, value = _taken_apart(word)
        if name in _PLAIN and separator:
            raise Misread(f"--{name} takes no value")
        is_word_next = at < len(words) and words[at][:1] != "-"
        # Of an option that nobody knows a word behind it can only be its value.
        if not separator and is_word_next and name not in _PLAIN | _OPTIONAL:
            value = words[at]
            at += 1
            word = f"{word} {value}"
        if name in _VALUED and not value:
            raise Misread(f"--{name} needs a value")
        yield Given(name=name, value=value, written=word, is_known=name in _ALL)


def _taken_apart(word: str) -> tuple[str, str, str]:
    """Long name (or the word, where there is no such option), whether a value is in the word, and the value."""
    if not word.startswith("--"):
        name = _SHORT.get(word[1], word[:2])
        return name, word[2:], word[2:]
    flag, separator, value = word.partition("=")
    return _full_name(flag[2:]) or flag, separator, value


def _full_name(written: str) -> str | None:
    """The long name that this is, or begins (as getopt_long(3) has it); None where it is none or could be several."""
    if written in _ALL:
        return written
    found = [name for name in _ALL if name.startswith(written)]
    return found[0] if len(found) == 1 else None


def nearest(flag: str) -> str | None:
    """The long option that somebody may have meant."""
    import difflib  # here, because only mistakes need it

    near = difflib.get_close_matches(flag.lstrip("-"), _ALL, n=1, cutoff=0.6)
    return f"--{near[0]}" if near else None

"""What a task gets of its submitter's environment: everything but secrets and what belongs to another job.

On the path of `gavelq submit`, which has a few milliseconds for everything: no regular expressions, no fnmatch.
"""

from _collections_abc import Collection, Mapping, Sequence  # loaded at interpreter start; collections.abc is not

SECRET_PATTERNS: tuple[str, ...] = (
    "*TOKEN*",
    "!TOKENIZERS_*",
    "!MAX_*TOKENS",
    "*SECRET*",
    "*PASSWORD*",
    "*PASSWD*",
    "*PASSPHRASE*",
    "*_PASS",
    "*_PWD",
    "*CREDENTIAL*",
    "*APIKEY*",
    "*API_KEY*",
    "*_KEY",
    "*_KEY_ID",
    "*_KEY_BASE64",
    "*_PAT",
    "*_AUTH",
    "*AUTH_CONFIG",
    "*COOKIE*",
    "*JWT*",
    "*_DSN",
    "*DATABASE_URL",
    "*CONNECTION_STRING*",
)
"""Names of variables that usually hold secrets (compared in upper case); `!` exempts. AWS_REGION, SSH_AUTH_SOCK,
XAUTHORITY and their like hold none and stay."""

OF_THE_TASK = frozenset(
    {"GAVELQ_TASK_ID", "GAVELQ_ATTEMPT", "GAVELQ_QUEUE", "GAVELQ_GPUS", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"}
    | {"GAVELQ_URL"}
)
"""Set anew for every task, or (how the caller reaches a daemon over TCP) never handed on.

GAVELQ_HOME and GAVELQ_SOCKET stay: a task's own `gavelq` calls reach the same daemon.
"""

OVERRIDDEN = OF_THE_TASK - {"GAVELQ_URL"}
"""Whatever a task's `env` says about these, it gets gavelq's."""

_TOLD = "CUDA_VISIBLE_DEVICES"
"""The one of those that people set themselves: they are told that it does not count."""

_SLURM = "SLURM_*"
_MAX_VALUE = 131_072
"""MAX_ARG_STRLEN of execve(2): no program can be started with a longer `NAME=value`."""


def capture(
    environ: Mapping[str, str],
    *,
    patterns: Sequence[str] = SECRET_PATTERNS,
    keep: Collection[str] = (),
    keep_all: bool = False,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The variables that a task gets, and the names of those left out (the whole Slurm set as `SLURM_*`).

    Left out are names that match `patterns` unless they are in `keep` or `keep_all` is set, what belongs to the
    caller's own task or Slurm job, and what cannot be passed on: text that is not UTF-8, or over 128 KiB.
    """
    is_secret = _Matcher(patterns)
    kept: dict[str, str] = {}
    dropped: set[str] = set()
    for name, value in environ.items():
        if name in OF_THE_TASK:
            if name == _TOLD:
                dropped.add(name)
        elif name.startswith("SLURM_") and name not in keep:
            dropped.add(_SLURM)
        elif not (keep_all or name in keep) and is_secret(name.upper()):
            dropped.add(name)
        elif _can_be_passed(name, value):
            kept[name] = value
        else:
            dropped.add(ascii(name)[1:-1])
    return kept, tuple(sorted(dropped))


def _can_be_passed(name: str, value: str) -> bool:
    if len(name) + len(value) >= _MAX_VALUE:
        return False
    if name.isascii() and value.isascii():
        return True
    try:
        return len(name.encode()) + len(value.encode()) + 2 <= _MAX_VALUE
    except UnicodeEncodeError:  # bytes that are not UTF-8 arrive as lone surrogates (PEP 383)
        return False


def matches(pattern: str, text: str) -> bool:
    """Whether `text` is what `pattern` describes; `*` stands for any characters, nothing else is special."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    if not text.startswith(first) or len(text) < len(first) + len(rest[-1]) or not text.endswith(rest[-1]):
        return False
    position, end = len(first), len(text) - len(rest[-1])
    for part in rest[:-1]:
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True


class _Matcher:
    """Many patterns at once: the common shapes `X*`, `*X` and `*X*` are sorted out beforehand."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._exempt = tuple(p[1:].upper() for p in patterns if p.startswith("!"))
        wanted = [p.upper() for p in patterns if p and not p.startswith("!")]
        self._starts = tuple(p[:-1] for p in wanted if p.find("*") == len(p) - 1)
        self._ends = tuple(p[1:] for p in wanted if p.rfind("*") == 0 and len(p) > 1)
        self._inside = tuple(p[1:-1] for p in wanted if _is_inside(p))
        self._others = tuple(p for p in wanted if not (_is_inside(p) or p.find("*") == len(p) - 1 or p.rfind("*") == 0))

    def __call__(self, name: str) -> bool:
        found = name.startswith(self._starts) or name.endswith(self._ends)
        found = found or any([part in name for part in self._inside])  # noqa: C419  # a list is quicker here
        found = found or any(matches(p, name) for p in self._others)
        return found and not any(matches(p, name) for p in self._exempt)


def _is_inside(pattern: str) -> bool:
    return len(pattern) > 1 and pattern[0] == "*" == pattern[-1] and "*" not in pattern[1:-1]

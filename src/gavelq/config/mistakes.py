"""Mistakes in a configuration: collected, so that one look shows all of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from gavelq.core.errors import InvalidFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong. `line` counts from 1; 0 where there is no line (environment, flags)."""

    path: str
    line: int
    field: str
    problem: str
    hint: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        named = f"{self.field}: {self.problem}" if self.field else self.problem
        return f"{where}: {named}" + (f" ({self.hint})" if self.hint else "")


def as_error(mistakes: Iterable[Mistake]) -> InvalidFile:
    """One error that tells them all; `details["mistakes"]` holds them for programs."""
    found = sorted(mistakes, key=lambda m: m.line)
    first = found[0]
    message = str(first)
    if len(found) > 1:
        message = f"{len(found)} mistakes in the configuration:\n" + "\n".join(f"  {m}" for m in found)
    hint = "correct it, then look again with: gavelq config check"
    return InvalidFile(
        message, hint=hint, path=first.path, line=first.line, problem=first.problem, mistakes=[asdict(m) for m in found]
    )


def suggest(word: str, known: Iterable[str]) -> str:
    """`did you mean ...?` where a known word looks like this one, else an empty text."""
    import difflib  # here, because only mistakes need it

    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else ""

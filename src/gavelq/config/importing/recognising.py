"""Whose configuration a file is, by keys that only one design has."""

from collections.abc import Mapping

from gavelq.config.importing.compete import COMPETE
from gavelq.config.importing.design import Design
from gavelq.config.importing.gavelrs import GAVELRS
from gavelq.config.importing.gpu_grab import GPU_GRAB
from gavelq.config.importing.minimalist import MINIMALIST
from gavelq.config.mistakes import Mistake, as_error
from gavelq.config.reading import Located
from gavelq.config.settings import BY_NAME
from gavelq.core.errors import InvalidFile

DESIGNS: dict[str, Design] = {design.name: design for design in (GAVELRS, GPU_GRAB, COMPETE, MINIMALIST)}
_SHOWN = 6


def recognise(root: Mapping[str, Located], path: str) -> tuple[Design, list[str]]:
    """The design that most of the telling keys speak for, and those keys. Raises InvalidFile: none, or two alike."""
    spoken = {name: _telling(design, root) for name, design in DESIGNS.items()}
    most = max(len(keys) for keys in spoken.values())
    best = [name for name, keys in spoken.items() if len(keys) == most]
    if _is_ours(root):
        raise _unclear(path, "this is a configuration of gavelq already", "use it with --config, or copy it there")
    if most == 0:
        looked = "; ".join(f"{name}: {_some(sorted(design.telltales))}" for name, design in DESIGNS.items())
        raise _unclear(path, f"none of the keys that tell a design is there ({looked})", _name_it())
    if len(best) > 1:
        seen = "; ".join(f"{name} by {_some(spoken[name])}" for name in best)
        raise _unclear(path, f"it looks like {len(best)} designs alike ({seen})", _name_it())
    return DESIGNS[best[0]], spoken[best[0]]


def _telling(design: Design, root: Mapping[str, Located]) -> list[str]:
    names = [entry.name for entry in design.entries(root)]
    return list(dict.fromkeys(name for name in names if name in design.telltales))


def _is_ours(root: Mapping[str, Located]) -> bool:
    """True where every key is a setting; `rules:` alone may be anybody's."""
    names = [
        f"{key}.{part}" if part else key
        for key, located in root.items()
        for part in (located.value if isinstance(located.value, dict) and key != "gpus" else [""])
    ]
    is_known = all(name in BY_NAME or name == "gpus" for name in names)
    return bool(names) and is_known and not all(name.startswith("rules.") for name in names)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _name_it() -> str:
    return f"say whose it is with --from {'|'.join(DESIGNS)}"


def _unclear(path: str, problem: str, hint: str) -> InvalidFile:
    return as_error([Mistake(path=path, line=0, field="", problem=problem, hint=hint)])

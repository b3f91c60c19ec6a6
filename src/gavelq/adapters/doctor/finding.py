"""What is asked, and what was found."""

from dataclasses import dataclass

OK, NOTE, PROBLEM = "ok", "note", "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the configuration says, as far as it is looked after here."""

    provider: str = "nvml"
    simulated_count: int = 0
    claims_dir: str = ""
    socket: str = ""
    """The daemon's unix socket."""
    level: str = "visible"
    """The isolation that the daemon's own user gets."""
    allow_network_fs: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found, and what helps where it is not as it should be."""

    area: str
    name: str
    verdict: str
    """`ok`; `note`: something is missing that not everybody needs; `problem`: something does not work."""
    text: str
    fix: str = ""


def ok(area: str, name: str, text: str) -> Finding:
    """All is well."""
    return Finding(area=area, name=name, verdict=OK, text=text)


def note(area: str, name: str, text: str, fix: str = "") -> Finding:
    """Good to know."""
    return Finding(area=area, name=name, verdict=NOTE, text=text, fix=fix)


def problem(area: str, name: str, text: str, fix: str) -> Finding:
    """Something does not work."""
    return Finding(area=area, name=name, verdict=PROBLEM, text=text, fix=fix)

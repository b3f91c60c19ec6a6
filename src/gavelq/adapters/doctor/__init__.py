"""`gavelq doctor`: what this machine and this account offer to gavelq, looked at without a daemon."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from gavelq.adapters.doctor import driver, kernel, places, session
from gavelq.adapters.doctor.finding import Finding, Wanted, problem
from gavelq.paths import Paths


def examine(paths: Paths, wanted: Wanted, env: Mapping[str, str]) -> Iterator[Finding]:
    """All findings, area by area. Reads only: nothing is made, changed or started (but for asking the driver)."""
    parts: tuple[tuple[str, Callable[[], Iterable[Finding]]], ...] = (
        ("directories", lambda: places.examine(paths.state, paths.database, wanted)),
        ("gpus", lambda: driver.examine(wanted)),
        ("kernel", kernel.examine),
        ("limits", session.limits),
        ("session", lambda: session.examine(env)),
        ("isolation", lambda: kernel.isolation(wanted)),
    )
    for area, look in parts:
        try:
            yield from look()
        except Exception as error:  # noqa: BLE001  # one look that fails must not hide the others, and is told
            yield problem(area, "look", f"this could not be looked at: {error!r}", "tell the makers of gavelq")


__all__ = ["Finding", "Wanted", "examine"]

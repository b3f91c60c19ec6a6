"""The configuration over the API: looked at, changed, undone. The file is changed as by the command line."""

import asyncio
import os
from collections.abc import Callable, Collection, Mapping

from gavelq.config import Config, differences
from gavelq.config.edit import Author, Terms, put_values, try_values, undo, version_of
from gavelq.config.history import Change, History
from gavelq.config.load import SHORTHANDS
from gavelq.config.reading import read_text
from gavelq.config.settings import BY_NAME, SETTINGS, Setting
from gavelq.config.undoing import listed
from gavelq.core.errors import InvalidField
from gavelq.core.events import ActNoted
from gavelq.daemon import journal
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.rule_trial import try_rules
from gavelq.daemon.views import Json
from gavelq.paths import Paths

MAX_SHOWN = 10_000


class SettingsService:
    """The verbs of `gavelq config` for whoever is not at the file. For admins alone."""

    def __init__(
        self, desk: Desk, paths: Paths, reload_config: Callable[[], Json], warnings: Callable[[], list[str]]
    ) -> None:
        self._desk = desk
        self._path = paths.config
        self._history = History(paths.state)
        self._reload = reload_config
        self._warnings = warnings
        self._at_start = desk.config()
        """What settings that need a restart are worth until then."""

    async def version(self) -> str:
        """A word for the file as it is now; another text has another word."""
        return version_of(await asyncio.to_thread(read_text, self._path))

    def show(self, caller: Caller) -> list[Json]:
        """`GET /api/config`: every setting with its value and where that comes from."""
        caller.require_admin("looking at the configuration")
        return self._desk.config().rows()

    def describe(self, caller: Caller) -> dict[str, Json]:
        """`GET /api/settings`: every setting by its name: value, description, needs_restart, warning."""
        caller.require_admin("looking at the configuration")
        config, told = self._desk.config(), self._warnings()
        return {
            setting.name: {
                "value": setting.kind.plain(config.value(setting.name)),
                "description": setting.help,
                "needs_restart": setting.needs_restart,
                "warning": self._warning(setting, config, told),
            }
            for setting in SETTINGS
        }

    async def put(
        self, caller: Caller, values: Mapping[str, object], *, unset: Collection[str] = (),
        versions: Collection[str] | None = None,
    ) -> Json:  # fmt: skip
        """`PUT /api/config`: write settings and take others out, all or nothing; then they apply.

        Raises InvalidField (all mistakes in its details), InvalidFile, ChangedMeanwhile, StoreUnavailable.
        """
        caller.require_admin("changing the configuration")
        author, terms = self._author(caller, "api"), self._terms(versions)
        wanted, removed = {_full(name): value for name, value in values.items()}, [_full(name) for name in unset]
        change = await asyncio.to_thread(put_values, self._path, wanted, author, unset=removed, terms=terms)
        return self._applied(caller, change, wanted)

    async def put_described(
        self, caller: Caller, values: Mapping[str, object], *, versions: Collection[str] | None = None
    ) -> Json:
        """`PUT /api/settings`: values, or the objects of `describe`, of which only changed values are written."""
        caller.require_admin("changing the configuration")
        wanted: dict[str, object] = {}
        for name, given in values.items():
            if not isinstance(given, Mapping):
                wanted[name] = given
            elif "value" not in given:
                hint = 'send a value, or {"value": ...}'
                raise InvalidField(field=name[:80], problem="there is no `value` in this object", hint=hint)
            elif not self._applies_already(_full(name), given["value"]):
                wanted[name] = given["value"]
        return await self.put(caller, wanted, versions=versions)

    async def try_rules(self, caller: Caller, values: Mapping[str, object], unset: Collection[str] = ()) -> Json:
        """`POST /api/config/try`: what would start now with these settings. Nothing is written, nothing starts.

        Raises as put does.
        """
        caller.require_admin("trying other rules")
        wanted, removed = {_full(name): value for name, value in values.items()}, [_full(name) for name in unset]
        tried = await asyncio.to_thread(try_values, self._path, wanted, unset=removed, env=os.environ)
        text = {"path": self._path, "before": tried.before, "after": tried.after}
        return try_rules(self._desk, tried.config, tried.changes) | {"file": text}

    async def history(self, caller: Caller, *, name: str | None, most: int, before: int | None = None) -> list[Json]:
        """`GET /api/config/history`: the last changes (before a number), oldest first."""
        caller.require_admin("looking at the history of the configuration")
        if name is not None and _full(name) not in BY_NAME and name != "gpus":
            raise InvalidField(field="name", problem=f"there is no setting {name[:80]!r}", hint="GET /api/config")
        changes, n_bad = await asyncio.to_thread(self._history.changes, self._path)
        if n_bad:
            journal.warn("lines of the configuration's history cannot be read and are passed over", n_lines=n_bad)
        return listed(changes, name=None if name is None else _full(name), most=most, before=before)

    async def undo(self, caller: Caller, number: int | None, *, versions: Collection[str] | None = None) -> Json:
        """`POST /api/config/undo`: put back what a change replaced (None: the last one that stands).

        Raises NotFound, WrongState, and like put.
        """
        caller.require_admin("changing the configuration")
        author = self._author(caller, "undo")
        change = await asyncio.to_thread(undo, self._path, number, author, terms=self._terms(versions))
        return self._applied(caller, change, ())

    def _author(self, caller: Caller, how: str) -> Author:
        return Author(history=self._history, by=caller.name, how=how)

    @staticmethod
    def _terms(versions: Collection[str] | None) -> Terms:
        return Terms(versions=versions, env=os.environ)

    def _applied(self, caller: Caller, change: Change | None, written: Collection[str]) -> Json:
        """Take the file over, and tell what came of it."""
        shown = None if change is None else change.as_json()
        if change is None:
            taken: Json = {"changed": [], "needs_restart": [], "warnings": self._warnings()}
        else:
            journal.note("configuration changed", by=caller.name, number=change.number, how=change.how)
            about = {"number": change.number, "how": change.how, "settings": [one.name for one in change.settings]}
            self._desk.loop.post(ActNoted(by=caller.name, kind="config_changed", details=about))
            taken = self._reload()
        config = self._desk.config()
        told = [_overridden(BY_NAME[name], config) for name in sorted(written)]
        return taken | {"warnings": [*(text for text in told if text), *taken["warnings"]], "change": shown}

    def _applies_already(self, name: str, value: object) -> bool:
        setting = BY_NAME.get(name)
        if setting is None:
            return False
        try:
            return bool(setting.kind.parse(value, field=name) == self._desk.config().value(name))
        except InvalidField:
            return False  # it is told together with all others

    def _warning(self, setting: Setting, config: Config, told: Collection[str]) -> str | None:
        overridden = _overridden(setting, config)
        if overridden is not None:
            return overridden
        if setting.name in differences(self._at_start, config)[1]:
            still = setting.kind.plain(self._at_start.value(setting.name))
            return f"the daemon works with {'none' if still is None else still} until: gavelq daemon restart"
        return next((text for text in told if text.startswith(setting.name + ":")), None)


def _full(name: str) -> str:
    return SHORTHANDS.get(name, name)


def _overridden(setting: Setting, config: Config) -> str | None:
    """That the file does not decide, where it does not."""
    source = config.source(setting.name)
    if source == "env":
        return f"{setting.name}: the daemon's environment decides ({setting.env}), not the file"
    return f"{setting.name}: the daemon's command line decides, not the file" if source == "flag" else None

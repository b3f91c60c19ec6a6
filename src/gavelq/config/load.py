"""Loading: defaults, then the file, then the environment, then flags. All mistakes are told at once."""

from collections.abc import Mapping
from typing import Any

from gavelq.config.cards import read_cards
from gavelq.config.mistakes import Mistake, as_error, suggest
from gavelq.config.model import Config, build
from gavelq.config.places import is_loopback, split_listen
from gavelq.config.reading import Located, read_mapping, read_text
from gavelq.config.settings import BY_NAME, SECTIONS, SETTINGS
from gavelq.core.card_config import CardConfig
from gavelq.core.errors import InvalidField

SHORTHANDS = {"foreign": "foreign.policy"}
"""Sections that may be written as the value of one setting."""


def load(path: str, env: Mapping[str, str], flags: Mapping[str, object] | None = None) -> Config:
    """The configuration that applies. The file need not exist.

    `flags` are values by dotted name, as text or already of their type. Raises InvalidFile with all mistakes in
    `details["mistakes"]`: objects of path, line (0: no line), field, problem, hint.
    """
    config, mistakes = check(path, read_text(path), env, flags)
    if mistakes:
        raise as_error(mistakes)
    return config


def check(
    path: str, text: str | None, env: Mapping[str, str], flags: Mapping[str, object] | None = None
) -> tuple[Config, list[Mistake]]:
    """The configuration and its mistakes, for text that need not be in the file yet. InvalidFile: not YAML at all."""
    draft = _Draft(path)
    if text is not None:
        draft.read_file(read_mapping(text, path))
    for setting in SETTINGS:
        if setting.env in env:
            draft.take(setting.name, env[setting.env], source="env", where=f"environment variable {setting.env}")
    draft.check_variables(env)
    for name, raw in (flags or {}).items():
        draft.take(name, raw, source="flag", where="command line")
    draft.check_listen()
    return build(draft.values, path=path, sources=draft.sources, cards=draft.cards), draft.mistakes


_PREFIXES = tuple(f"GAVELQ_{section.upper()}_" for section in sorted(SECTIONS))


class _Draft:
    """Values while they are collected."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.values: dict[str, Any] = {}
        self.sources: dict[str, str] = {}
        self.cards: dict[str, CardConfig] = {}
        self.mistakes: list[Mistake] = []

    def read_file(self, root: Mapping[str, Located]) -> None:
        """Take what the file says."""
        for key, located in root.items():
            if key == "gpus":
                self.cards = read_cards(located, self._path, self.mistakes)
            elif key in SHORTHANDS and not isinstance(located.value, dict):
                self._take_located(SHORTHANDS[key], located)
            elif key in SECTIONS:
                self._read_section(key, located)
            else:
                self._take_located(key, located)

    def _read_section(self, section: str, located: Located) -> None:
        if located.value is None:
            return
        if not isinstance(located.value, dict):
            first = next(name for name in BY_NAME if name.startswith(section + "."))
            problem = f"{section} is a section, with settings of its own below it"
            self._note(located.line, section, problem, f"write `{first}: ...`, or `{section}:` and the rest indented")
            return
        for key, part in located.value.items():
            self._take_located(f"{section}.{key}", part)

    def _take_located(self, name: str, located: Located) -> None:
        if name in self.sources:
            self._note(located.line, name, f"it was given before ({self.sources[name]})", "keep one of them")
            return
        self.take(name, located.plain(), source=f"file:{located.line}", where=self._path, line=located.line)

    def take(self, name: str, raw: object, *, source: str, where: str, line: int = 0) -> None:
        """Take one value, or note what is wrong with it."""
        setting = BY_NAME.get(name)
        if setting is None:
            self._note(line, name, "there is no such setting", suggest(name, [*BY_NAME, "gpus"]) or _known(name), where)
            return
        try:
            self.values[name] = setting.kind.parse(raw, field=name)
        except InvalidField as error:
            self._note(line, name, error.details["problem"], error.hint, where)
        self.sources[name] = source

    def check_variables(self, env: Mapping[str, str]) -> None:
        """A misspelt variable is told, where its name begins like those of a section."""
        known = {setting.env for setting in SETTINGS}
        for name in env:
            if name.startswith(_PREFIXES) and name not in known:
                self._note(0, "", "no setting has this name", suggest(name, known), f"environment variable {name}")

    def check_listen(self) -> None:
        """Other machines are let in over TLS, or where a setting says so."""
        listen = self.values.get("http.listen")
        if (
            listen is None
            or self.values.get("http.tls_cert")
            or self.values.get("http.allow_remote")
            or is_loopback(split_listen(listen)[0])
        ):
            return
        source = self.sources["http.listen"]
        line = int(source.removeprefix("file:")) if source.startswith("file:") else 0
        where = self._path if line else {"env": "environment variable GAVELQ_HTTP_LISTEN"}.get(source, "command line")
        problem = f"{listen} can be reached from other machines, and tokens would travel unencrypted"
        hint = "listen on 127.0.0.1, set http.tls_cert and http.tls_key, or set http.allow_remote to true"
        self._note(line, "http.listen", problem, hint, where)

    def _note(self, line: int, field: str, problem: str, hint: str, where: str = "") -> None:
        self.mistakes.append(Mistake(path=where or self._path, line=line, field=field, problem=problem, hint=hint))


def _known(name: str) -> str:
    section = name.partition(".")[0]
    inside = [known for known in BY_NAME if known.startswith(section + ".")]
    return f"in {section} there are {', '.join(inside)}" if inside else "`gavelq config show` lists the settings"

"""What one older design's configuration looks like."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry, flatten
from gavelq.config.importing.rules import Rule
from gavelq.config.reading import Located


def _nothing(draft: Draft) -> None:
    """Most designs have no more to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A table from names to what becomes of them. Names are flat: `system: {host: ...}` is `system_host`."""

    name: str
    telltales: frozenset[str]
    """Names that other designs do not have: they tell whose file it is."""
    rules: Mapping[str, Rule]
    prefixes: Mapping[str, Rule] = field(default_factory=dict)
    """For names that begin so and are not among `rules`."""
    wrappers: frozenset[str] = frozenset()
    """Sections whose name says nothing."""
    whole: frozenset[str] = frozenset()
    """Names of sections that a rule wants as a whole."""
    finish: Callable[[Draft], object] = _nothing
    """Called at the end: what several entries make together, what is added."""

    def entries(self, root: Mapping[str, Located]) -> list[Entry]:
        """The file's entries under this design's names."""
        return flatten(root, wrappers=self.wrappers, whole=self.whole)

    def read(self, root: Mapping[str, Located], *, allow_remote: bool = False) -> Draft:
        """Judge every entry. The findings come in the order of the file, additions last."""
        entries = self.entries(root)
        draft = Draft(design=self.name, known=frozenset(self.rules), entries=entries, allow_remote=allow_remote)
        for entry in entries:
            rule = self.rules.get(entry.name)
            if rule is None:
                rule = next((rule for prefix, rule in self.prefixes.items() if entry.name.startswith(prefix)), None)
            if rule is None:
                draft.leave_unknown(entry)
            else:
                rule(draft, entry)
        self.finish(draft)
        draft.leave_the_rest()
        draft.findings.sort(key=lambda finding: finding.line or 1 << 30)
        return draft


def later(draft: Draft, entry: Entry) -> None:
    """A rule for entries that `finish` looks at."""

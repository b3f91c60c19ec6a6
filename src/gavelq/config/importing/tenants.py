"""The tenants of a minimalist configuration. They live in the daemon, not in its configuration: each is a command."""

import shlex

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry, is_secret, normal
from gavelq.config.importing.rules import count
from gavelq.core.errors import InvalidField
from gavelq.core.tenant_options import parse_tenant_name

_NAMES = ("name", "id", "tenant", "tenant_id")


def tenants(draft: Draft, entry: Entry) -> None:
    """Each field of each tenant."""
    value = entry.located.value
    if isinstance(value, dict):
        parts = [(key, f"{entry.key}.{key}", part) for key, part in value.items()]
    elif isinstance(value, list):
        parts = [("", f"{entry.key}[{number}]", part) for number, part in enumerate(value)]
    else:
        parts = []
    if not parts:
        draft.leave(entry, "no tenant is described")
    for name, key, part in parts:
        if not isinstance(part.value, dict):
            draft.leave(Entry(line=part.line, key=key, name="tenants", located=part), "nothing is told of this tenant")
            continue
        fields = [
            Entry(line=one.line, key=f"{key}.{word}", name=normal(word), located=one)
            for word, one in part.value.items()
        ]
        named = [name] if name else [str(field.value) for field in fields if field.name in _NAMES]
        tenant = _Tenant(draft, named)
        for field in fields:
            tenant.field(field)


class _Tenant:
    """One tenant: its first command makes it, the others change it."""

    def __init__(self, draft: Draft, named: list[str]) -> None:
        """`named`: what it is called there; the first that can be a name here is its name."""
        self._draft = draft
        self._is_made = False
        self._name = next(filter(_is_name, named), "NAME")

    def field(self, field: Entry) -> None:
        """A field of it."""
        draft = self._draft
        if field.name in _NAMES:
            because = "tenants live in the daemon, not in its configuration"
            described = "" if str(field.value) == self._name else f"description={shlex.quote(str(field.value))}"
            is_told = self._is_made and not described
            draft.leave(field, because, "" if is_told else self._command(described))
        elif field.name == "max_gpus":
            wanted = count(draft, field, low=-1, high=1024)
            if wanted is not None and wanted <= 0:
                draft.leave(field, "no limit needs none")
            elif wanted is not None:
                draft.leave(field, "a quota of the tenant", self._command(f"max_gpus={wanted}"))
        elif field.name in ("max_memory_per_gpu", "max_memory_per_gpu_mb"):
            draft.leave(field, "a tenant's quota (max_memory) is for all of its GPUs together; each task says -m")
        elif field.name == "priority":
            wanted = count(draft, field, low=0, high=100)
            if wanted is not None:
                because = f"each task says it, -p {wanted}; a tenant has the most that its tasks may ask for"
                draft.leave(field, because, self._command(f"max_priority={wanted}"))
        elif is_secret(field.name):
            because = "gavelq makes its tokens itself and shows them once"
            first = "" if self._is_made else f"{self._command()} && "
            draft.leave(field, because, f"{first}gavelq token create --tenant {self._name}")
        else:
            draft.leave_unknown(field)

    def _command(self, option: str = "") -> str:
        verb, self._is_made = "set" if self._is_made else "create", True
        return f"gavelq tenant {verb} {self._name} {option}".rstrip()


def _is_name(written: str) -> bool:
    try:
        parse_tenant_name(written)
    except InvalidField:
        return False
    return True

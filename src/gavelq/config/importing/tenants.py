"""The tenants of a minimalist configuration. What has no command of its own yet is told with what to type meanwhile."""

from gavelq.config.importing.draft import Draft
from gavelq.config.importing.entries import Entry, is_secret, normal
from gavelq.config.importing.rules import count
from gavelq.core.errors import InvalidField
from gavelq.core.queue_options import parse_name

_NAMES = ("name", "id", "tenant", "tenant_id")
_BUILT_IN = ("running", "waiting")


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
        named = name or next((str(field.value) for field in fields if field.name in _NAMES), "")
        for field in fields:
            _field(draft, field, named)


def _field(draft: Draft, field: Entry, tenant: str) -> None:
    if field.name in _NAMES:
        draft.leave(field, "it names the tenant that the lines beside it are about")
    elif field.name == "max_gpus":
        _max_gpus(draft, field, tenant)
    elif field.name in ("max_memory_per_gpu", "max_memory_per_gpu_mb"):
        draft.leave(field, "gavelq has no tenant commands yet; each task says what it needs of a card: -m")
    elif field.name == "priority":
        wanted = count(draft, field, low=0, high=100)
        if wanted is not None:
            draft.leave(field, f"gavelq has no tenant commands yet; each task says it: -p {wanted}")
    elif is_secret(field.name):
        draft.leave(field, "gavelq makes its tokens itself and shows them once: gavelq token create")
    else:
        draft.leave_unknown(field)


def _max_gpus(draft: Draft, field: Entry, tenant: str) -> None:
    wanted = count(draft, field, low=-1, high=1024)
    if wanted is None:
        return
    if wanted <= 0:
        draft.leave(field, "gavelq has no tenant commands yet; no limit needs none")
        return
    because = "gavelq has no tenant commands yet; a queue for this tenant's tasks (-q NAME) has the same limit"
    try:
        queue = parse_name(tenant)
    except InvalidField:
        draft.leave(field, f"{because}: gavelq queue create NAME max_gpus={wanted}")
        return
    verb = "set" if queue in _BUILT_IN else "create"
    draft.leave(field, because, f"gavelq queue {verb} {queue} max_gpus={wanted}")

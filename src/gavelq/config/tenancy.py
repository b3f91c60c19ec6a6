"""The kind of setting that says what tenants may have who are made by themselves."""

from dataclasses import dataclass
from typing import Any

from gavelq.core.errors import InvalidField
from gavelq.core.tenant_options import OPTION_NAMES, with_options
from gavelq.core.tenants import Role, Tenant

_NOT_FOR_ALL = ("uid", "description")


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantOptions:
    """Options of a tenant as `gavelq tenant set` takes them, separated by blanks; GPUs by UUID."""

    wanted: str = "KEY=VALUE pairs separated by blanks, such as `max_gpus=2 max_queued=100`"

    def parse(self, raw: object, *, field: str) -> tuple[tuple[str, str], ...]:
        """See Kind.parse."""
        if not isinstance(raw, str):
            raise InvalidField(field=field, problem=f"{raw!r:.80} is no text", hint=f"write {self.wanted}")
        pairs: dict[str, str] = {}
        for word in raw.split():
            name, separator, value = word.partition("=")
            if not separator or name in pairs or name in _NOT_FOR_ALL:
                known = ", ".join(option for option in OPTION_NAMES if option not in _NOT_FOR_ALL)
                problem = f"{word[:80]!r} is no KEY=VALUE, is there twice, or is nothing that all could have"
                raise InvalidField(field=field, problem=problem, hint=f"the keys are {known}")
            pairs[name] = value
        try:
            made = with_options(Tenant(name="t"), pairs)
        except InvalidField as error:
            raise InvalidField(field=field, problem=error.message, hint=error.hint) from None
        if made.role is Role.ADMIN:
            problem = "every user of the machine would be an admin"
            raise InvalidField(field=field, problem=problem, hint="leave role out; make single tenants admins")
        return tuple(pairs.items())

    def plain(self, value: Any) -> Any:
        """See Kind.plain."""
        return " ".join(f"{name}={text}" for name, text in value)

"""The parameters of a query: each has to be one that its route declares, and stands there once unless it is a list.

A route declares them as arguments of its handler, or, where it reads the query itself, in `openapi_extra`.
"""

from collections import Counter
from typing import Any, get_args, get_origin

from fastapi import Request
from fastapi.routing import APIRoute

from gavelq.core.errors import InvalidField


async def require_known(request: Request) -> None:
    """A dependency of every route. Raises InvalidField for a parameter that it does not know, or that repeats."""
    if not request.scope["query_string"] or request.scope["path"] == "/":  # which leads people to the pages
        return
    known = _declared(request.scope["route"])
    for name, times in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            hint = f"this route knows {', '.join(sorted(known))}" if known else "this route takes none"
            raise InvalidField(field=name[:80], problem="there is no such parameter here", hint=hint)
        if times > 1 and not _is_list(known[name]):
            raise InvalidField(field=name, problem=f"it is given {times} times, and is no list", hint="send it once")


def _declared(route: APIRoute) -> dict[str, Any]:
    """The types of a route's parameters by name."""
    extra = (route.openapi_extra or {}).get("parameters", ())
    known = {one["name"]: str for one in extra if one["in"] == "query"}
    return known | {field.alias: field.field_info.annotation for field in route.dependant.query_params}


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(_is_list(part) for part in get_args(annotation))

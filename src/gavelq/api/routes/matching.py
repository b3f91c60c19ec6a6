"""If-Match and ETag (RFC 9110, sections 8.8.3 and 13.1.1): an edit that was made to another version is refused."""

from typing import Any

from fastapi import Request

MATCH: dict[str, Any] = {
    "parameters": [
        {
            "name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"},
            "description": "The ETag of the version that was edited; 412 where it is another one by now",
        }
    ]
}  # fmt: skip


def versions(request: Request) -> list[str] | None:
    """The versions that If-Match names; None: any will do. Weak ones never match."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    tags = [part.strip() for part in given.split(",")]
    return [tag[1:-1] for tag in tags if len(tag) >= 2 and tag[0] == tag[-1] == '"']


def quoted(version: str) -> str:
    """A version as an ETag."""
    return f'"{version}"'

"""docs/openapi.json, from the routes themselves. Called by scripts/docs; `--check` only says whether it is stale."""

import json
import sys
from pathlib import Path
from typing import cast

from gavelq.api.app import build_routes
from gavelq.daemon.service import Service

PATH = Path(__file__).parents[1] / "docs" / "openapi.json"


class _Nobody:
    """Stands for the service, which routes name and nobody asks here."""

    def __getattr__(self, name: str) -> "_Nobody":
        return self


def render() -> str:
    """The document as the daemon shows it, without its own version."""
    document = build_routes(cast(Service, _Nobody())).openapi()
    document["info"]["version"] = "0"
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    """The command line; 1 where the page is stale and was not to be written."""
    text = render()
    if PATH.exists() and PATH.read_text() == text:
        return 0
    if "--check" in sys.argv[1:]:
        print("docs/openapi.json is stale: run scripts/docs", file=sys.stderr)
        return 1
    PATH.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

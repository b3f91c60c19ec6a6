"""How hypothesis works here: a failure is found quickly and played again exactly; it is made small on request."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings

# To shrink a failure takes minutes: GAVELQ_SHRINK=1 does it. Without, the blob in the report plays the same one again.
PHASES = tuple(Phase) if os.environ.get("GAVELQ_SHRINK") else (Phase.explicit, Phase.reuse, Phase.generate)

# A long search, when there is time for one: GAVELQ_EXAMPLES=20 tries twenty times as many.
TIMES = int(os.environ.get("GAVELQ_EXAMPLES", "1"))


def examples(n: int, **more: Any) -> settings:
    """So many examples, however long each takes; `more`: further settings."""
    return settings(
        max_examples=n * TIMES,
        phases=PHASES,
        deadline=None,
        print_blob=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        **more,
    )

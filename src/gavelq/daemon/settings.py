"""From the configuration to what the engine, the cycle and the monitor go by."""

import os
from collections.abc import Mapping
from typing import Literal, cast

from gavelq.config import Config
from gavelq.core.engine import EngineRules
from gavelq.core.gpu import Card
from gavelq.core.ids import GpuUuid
from gavelq.paths import Paths
from gavelq.scheduling.policy import Policy


def policy_of(config: Config) -> Policy:
    """The rules of placing."""
    return Policy(
        selection=cast(Literal["best_fit", "first"], config.selection),
        foreign=cast(Literal["share", "avoid"], config.foreign.policy),
        unattributed_mib=config.foreign.unattributed_mib,
        depth=config.scheduling.depth,
        max_running=config.limits.max_running,
        max_cpu_tasks=config.limits.max_cpu_tasks if config.limits.max_cpu_tasks is not None else os.cpu_count() or 1,
    )


def rules_of(config: Config, paths: Paths) -> EngineRules:
    """The limits of the engine."""
    return EngineRules(log_dir=paths.task_logs, max_unfinished=config.limits.max_unfinished)


def unseen_cards(config: Config, cards: Mapping[GpuUuid, Card]) -> list[str]:
    """A sentence for each entry of `gpus:` that no card answers to."""
    known = {card.index for card in cards.values()} | set(cards)
    return [
        f"gpus.{name}: there is no such GPU on this machine; the entry is used when it appears"
        for name in config.cards
        if name not in known
    ]

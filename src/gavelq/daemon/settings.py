"""From the configuration to what the engine, the cycle and the monitor go by."""

import os
from collections.abc import Collection, Mapping
from typing import Literal, cast

from gavelq.config import Config
from gavelq.core.engine import EngineRules
from gavelq.core.gpu import Card, is_among
from gavelq.core.ids import GpuUuid, QueueName
from gavelq.core.retrying import RetryWish
from gavelq.core.tenants import Isolation
from gavelq.paths import Paths
from gavelq.scheduling.policy import Policy


def policy_of(config: Config) -> Policy:
    """The rules of placing."""
    limits, scheduling, sharing = config.limits, config.scheduling, config.sharing
    return Policy(
        order=cast(Literal["fair", "fifo", "largest_first", "smallest_first"], scheduling.policy),
        backfill=cast(Literal["easy", "skip", "none"], scheduling.backfill),
        selection=cast(Literal["best_fit", "first", "sampled"], config.selection),
        foreign=cast(Literal["share", "avoid"], config.foreign.policy),
        unattributed_mib=config.foreign.unattributed_mib,
        depth=scheduling.depth,
        max_running=limits.max_running,
        max_cpu_tasks=limits.max_cpu_tasks if limits.max_cpu_tasks is not None else os.cpu_count() or 1,
        unknown_limit_s=scheduling.unknown_limit_s,
        ageing_s=scheduling.ageing_s,
        ageing_exponent=scheduling.ageing_exponent,
        share_half_life_s=scheduling.share_half_life_s,
        allowance_s=scheduling.allowance_s,
        grace_s=config.runner.grace_s,
        settle_s=config.settle_s,
        min_gpu=config.rules.min_gpu,
        max_gpu=config.rules.max_gpu,
        gpu_left=config.rules.gpu_left,
        allowed_gpus=allowed_gpus(config),
        max_per_gpu=sharing.max_per_gpu,
        reserve_mib=sharing.reserve_mib,
        max_utilization=sharing.max_utilization,
        unknown_utilization=sharing.unknown_utilization,
        memory_save_mode=config.rules.memory_save_mode is not False,
        sampling_s=config.sampling.window_s,
        gpu_order=config.gpu.order,
        topology=config.gpu.topology,
        preemption=config.preemption.enabled,
        min_levels=config.preemption.min_levels,
        min_run_s=config.preemption.min_run_s,
    )


def allowed_gpus(config: Config) -> frozenset[str] | None:
    """The cards that tasks may start on, as written: indices and UUIDs; None: all of them."""
    rules = config.rules
    return None if rules.use_all_gpus or not rules.compete_gpus else frozenset(rules.compete_gpus)


def rules_of(config: Config, paths: Paths, unavailable: Mapping[Isolation, str]) -> EngineRules:
    """The limits of the engine. `unavailable`: levels of isolation that this machine cannot give, and why."""
    retry = config.retry
    return EngineRules(
        log_dir=paths.task_logs,
        max_unfinished=config.limits.max_unfinished,
        jitter=retry.jitter_percent / 100,
        hold_after=retry.hold_after,
        fast_s=retry.fast_s,
        share_half_life_s=config.scheduling.share_half_life_s,
        ignored_users=config.foreign.ignored_users,
        ignored_commands=config.foreign.ignored_commands,
        isolation=Isolation(config.isolation.level),
        enforce=config.isolation.enforce,
        tolerance_mib=config.isolation.tolerance_mib,
        unavailable=unavailable,
        has_channels=bool(config.notify.urls),
    )


def retry_wish(config: Config) -> RetryWish:
    """What the configuration says about retries."""
    retry = config.retry
    return RetryWish(retries=retry.retries, backoff=retry.backoff, on=retry.on, on_gpu_oom=retry.on_gpu_oom)


def missing_queues(config: Config, queues: Collection[QueueName]) -> list[str]:
    """A sentence for each queue that the configuration names and that is not there."""
    found = [
        f"gpus.{name}: there is no queue {card.queue}; the GPU stays where it is"
        for name, card in config.cards.items()
        if card.queue is not None and card.queue not in queues
    ]
    name = config.submit.default_queue
    if name not in queues:
        found.append(
            f"submit.default_queue: there is no queue {name}, and submissions that name none are refused; "
            f"make it with: gavelq queue create {name}"
        )
    return found


def unseen_cards(config: Config, cards: Mapping[GpuUuid, Card]) -> list[str]:
    """A sentence for each entry of `gpus:` and of `rules.compete_gpus` that no card answers to."""
    known = {card.index for card in cards.values()} | set(cards)
    entries = [
        f"gpus.{name}: there is no such GPU on this machine; the entry is used when it appears"
        for name in config.cards
        if name not in known
    ]
    allowed = config.rules.compete_gpus if allowed_gpus(config) is not None else ()
    return entries + [
        f"rules.compete_gpus: there is no GPU {name} on this machine; it counts when it appears"
        for name in allowed
        if not any(is_among(card, (name,)) for card in cards.values())
    ]

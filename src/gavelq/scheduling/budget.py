"""The GPU budget: how many cards gavelq uses altogether, so that some are left for others (SPEC section 2)."""

from gavelq.scheduling.policy import Policy


def budget(policy: Policy, *, available: int, n_cards: int) -> int:
    """`min(max_gpu, max(min_gpu, available - gpu_left))`, never more than exist.

    `available`: the cards that gavelq uses or could use now; `n_cards`: all that there are.
    """
    most = n_cards if policy.max_gpu is None else policy.max_gpu
    return max(0, min(most, max(policy.min_gpu, available - policy.gpu_left), n_cards))


def elastic_count(*, least: int, most: int, free: int, left: int) -> int:
    """How many cards an elastic task takes: the same formula, applied to it. Never more than are free.

    `left`: what it leaves free, as it says itself or as those behind it need at least.
    """
    return min(most, max(least, free - left), free)

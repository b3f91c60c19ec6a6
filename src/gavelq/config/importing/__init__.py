"""Configuration files of the four older designs, read into settings of gavelq, with a word about every line."""

from gavelq.config.importing.draft import Draft, Finding, Outcome
from gavelq.config.importing.plan import Plan, plan
from gavelq.config.importing.recognising import DESIGNS

__all__ = ["DESIGNS", "Draft", "Finding", "Outcome", "Plan", "plan"]

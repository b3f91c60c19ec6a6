"""The engine: one event in, one step out. It decides; others commit and act."""

from gavelq.core.engine.dispatch import handle as handle
from gavelq.core.engine.rules import EngineRules as EngineRules

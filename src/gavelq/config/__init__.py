"""The configuration: one table of settings, read from defaults < file < environment < flags."""

from gavelq.config.edit import set_value, unset_value
from gavelq.config.load import check, load
from gavelq.config.mistakes import Mistake
from gavelq.config.model import Config, differences
from gavelq.config.places import is_loopback, split_listen
from gavelq.config.settings import BY_NAME, SETTINGS, Setting

__all__ = [
    "BY_NAME",
    "SETTINGS",
    "Config",
    "Mistake",
    "Setting",
    "check",
    "differences",
    "is_loopback",
    "load",
    "set_value",
    "split_listen",
    "unset_value",
]

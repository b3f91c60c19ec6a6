"""Settings that the command line itself needs; loaded only where there is a configuration that may say them."""

import os
from typing import Any

from gavelq.cli.call import Call
from gavelq.config import check
from gavelq.config.mistakes import as_error
from gavelq.config.reading import read_text


def setting(call: Call, name: str) -> Any:
    """A setting's value under this call's configuration.

    Raises InvalidFile where the file is no YAML or where this very setting is wrong; other mistakes must not keep
    anybody from, say, looking at the tasks.
    """
    path = call.config_path
    config, mistakes = check(path, read_text(path), os.environ)
    ours = [mistake for mistake in mistakes if mistake.field == name]
    if ours:
        raise as_error(ours)
    return config.value(name)

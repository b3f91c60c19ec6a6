"""Who changes the configuration from a command line, and where that is noted."""

import os
import pwd

from gavelq.config.edit import Author
from gavelq.config.history import History
from gavelq.paths import resolve


def author(how: str) -> Author:
    """The unix user of this process; `how` is the verb: `set`, `unset`, `edit`, `undo` or `import`."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = f"uid-{uid}"
    return Author(history=history(), by=name, how=how)


def history() -> History:
    """The history of the instance that this environment means."""
    return History(resolve(os.environ).state)

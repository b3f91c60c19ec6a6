"""An editor on a copy of the configuration: the file itself only ever changes from good to good."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile

from gavelq.cli.asking import confirm
from gavelq.cli.output.failure import tell
from gavelq.config import check
from gavelq.config.edit import Author, Terms, replace_text, version_of
from gavelq.config.mistakes import as_error
from gavelq.config.reading import read_text
from gavelq.core.command_files import ChangedMeanwhile
from gavelq.core.errors import GavelqError, InvalidField

_EMPTY = "# The configuration of gavelq. `gavelq config show` lists all settings.\n"


def edit_file(path: str, author: Author) -> bool:
    """Let the person edit; True where the file was changed. Raises the mistakes that were left in it.

    Raises ChangedMeanwhile where somebody else changed the file; the person's own version is kept beside it then.
    """
    before = read_text(path)
    directory = os.path.dirname(os.path.realpath(path))
    os.makedirs(directory, mode=0o700, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".gavelq-edit-", dir=directory) as place:
        copy = os.path.join(place, os.path.basename(path))
        with open(copy, "w", encoding="utf-8") as file:
            file.write(before if before is not None else _EMPTY)
        while True:
            open_editor(copy)
            after = read_text(copy)
            if after is None or after == (before if before is not None else _EMPTY):
                return False
            problem = _problem(path, after)
            if problem is None:
                break
            if not sys.stdin.isatty():
                raise problem
            tell(problem, is_json=False)
            confirm("edit it again?")
        terms = Terms(versions=[version_of(before)], env=os.environ)
        try:
            replace_text(path, after, author, terms=terms)
        except ChangedMeanwhile as error:
            kept = f"{os.path.realpath(path)}.edited"
            shutil.copyfile(copy, kept)
            os.chmod(kept, 0o600)
            error.hint = f"your version is kept in {kept}; take what you need of it over with: gavelq config edit"
            raise
    return True


def _problem(path: str, text: str) -> GavelqError | None:
    try:
        _, mistakes = check(path, text, os.environ)
    except GavelqError as error:
        return error
    return as_error(mistakes) if mistakes else None


def open_editor(path: str) -> None:
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(named), path], check=False).returncode
    except (OSError, ValueError) as error:
        raise InvalidField(
            field="EDITOR", problem=f"{named!r} cannot be started: {error}", hint="set VISUAL or EDITOR"
        ) from None
    if code != 0:
        raise GavelqError(f"the editor {named!r} ended with exit code {code}; nothing was changed")

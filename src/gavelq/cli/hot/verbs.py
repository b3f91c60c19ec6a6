"""Which command lines are hot, and what they call."""

import os

from gavelq.cli.options import KILL, LISTING, REQUEST, SWEEP, TASK_LISTING, TRIAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_NOUNS_OF_SUBMIT = ("command", "script", "json", "file")


def run(argv: "Sequence[str]") -> int | None:
    """Carry out a hot command line; returns its exit code, or None where click should read it.

    Raises what the verb raises.
    """
    verb = argv[0] if argv and "_GAVELQ_COMPLETE" not in os.environ else ""
    if verb == "task" and len(argv) > 1:
        verb, rest = f"task {argv[1]}", argv[2:]
    else:
        rest = argv[1:]
    if verb == "submit":
        return _submit(rest)
    options = {
        "status": (),
        "list": LISTING,
        "task list": TASK_LISTING,
        "task info": (),
        "cancel": KILL,
        "task kill": KILL,
    }.get(verb)
    if options is None:
        return None
    from gavelq.cli.hot.parser import parse

    parsed = parse(rest, options)
    if parsed is None or parsed.behind is not None:
        return None
    from gavelq.cli.call import Call

    call, values, words = Call(parsed.values), parsed.values, parsed.words
    if verb == "status" and not words:
        from gavelq.cli.hot.overview import print_status

        return print_status(call)
    if verb in ("list", "task list") and not words:
        from gavelq.cli.hot import listing

        return listing.list_all(call, values) if verb == "list" else listing.list_tasks(call, values)
    if not words or not all(word.isascii() and word.isdigit() for word in words):
        return None
    ids = [int(word) for word in words]
    if verb == "task info" and len(ids) == 1:
        from gavelq.cli.hot.details import print_details

        return print_details(call, ids[0])
    if verb in ("cancel", "task kill") and values.get("submission") is None:
        from gavelq.cli.hot.each import kill

        return kill(call, ids, values.get("signal"))
    return None


def _submit(rest: "Sequence[str]") -> int | None:
    from gavelq.cli.hot.parser import parse

    parsed = parse(rest, (*REQUEST, *SWEEP, *TRIAL))
    if parsed is None or (parsed.words and parsed.words[0] in _NOUNS_OF_SUBMIT):
        return None
    if not parsed.words and not parsed.behind:
        return None
    from gavelq.cli.call import Call
    from gavelq.cli.hot.submit import submit_words

    return submit_words(Call(parsed.values), parsed.values, parsed.words, parsed.behind)

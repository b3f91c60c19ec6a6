"""`gavelq alert`: what is wrong with the machine, and who is told of it."""

from __future__ import annotations

import click

from gavelq.cli.base import Command, Count, Group, pass_call
from gavelq.cli.call import Call
from gavelq.cli.output.alerts import mute_told, print_alerts, print_mutes, print_tested
from gavelq.cli.output.document import print_body
from gavelq.cli.output.text import say
from gavelq.client import lean
from gavelq.client.http import new_key, query
from gavelq.core.errors import UsageError

_TEST_S = 90.0
_rule = click.argument("rule", required=False, metavar="[RULE]")
_subject = click.option("--subject", metavar="WHAT", help="Only about this, such as gpu:0, task:12 or queue:night.")


@click.group(cls=Group)
def alert() -> None:
    """What is wrong with the machine, and who is told of it."""


@alert.command("list", cls=Command)
@click.option("--recent", is_flag=True, help="What happened lately instead of what fires now.")
@click.option("--mutes", "is_mutes", is_flag=True, help="What is muted instead of what fires.")
@click.option("-n", "--lines", "lines", type=Count(1, 1000), default=50, metavar="N", help="So many; default 50.")
@pass_call
def list_(call: Call, recent: bool, is_mutes: bool, lines: int) -> int:
    """List the alerts that fire. Tenants see those about their own tasks."""
    if recent and is_mutes:
        raise UsageError("--recent and --mutes are two lists", hint="ask for one of them")
    reply = call.link().send("GET", "/api/alerts" + query([("limit", lines)]))
    if call.is_json:
        print_body(reply.body)
    elif is_mutes:
        print_mutes(lean.loads(reply.body)["mutes"])
    else:
        print_alerts(lean.loads(reply.body), is_recent=recent)
    return 0


@alert.command("test", cls=Command)
@click.argument("urls", nargs=-1, metavar="[URL]...")
@pass_call
def test(call: Call, urls: tuple[str, ...]) -> int:
    """Send a test to all channels of the configuration, or to these URLs. Exit code 1 where one did not arrive."""
    payload = {"urls": list(urls)} if urls else {}
    reply = call.link().send("POST", "/api/alerts/test", payload, timeout_s=_TEST_S)
    tested = lean.loads(reply.body)
    if call.is_json:
        print_body(reply.body)
    elif tested:
        print_tested(tested)
    else:
        say("no channel is configured; name some with: gavelq config set notify.urls URL")
    return 0 if all(one["delivered"] for one in tested) else 1


@alert.command("mute", cls=Command)
@_rule
@_subject
@click.option("--for", "duration", required=True, metavar="TIME", help="For so long, such as 2h or 3d.")
@click.option("--reason", metavar="TEXT", help="Why, for those who look at the list.")
@pass_call
def mute(call: Call, rule: str | None, subject: str | None, duration: str, reason: str | None) -> int:
    """Tell nobody of alerts of RULE (default: of all rules) for a while; they are listed all the same."""
    wanted = {"rule": rule, "subject": subject, "for": duration, "reason": reason}
    given = {name: value for name, value in wanted.items() if value is not None}
    reply = call.link().send("POST", "/api/alerts/mutes", given, key=new_key())
    if call.is_json:
        print_body(reply.body)
    else:
        say(mute_told(lean.loads(reply.body)))
    return 0


@alert.command("unmute", cls=Command)
@_rule
@_subject
@click.option("--all", "every", is_flag=True, help="Every mute that there is.")
@pass_call
def unmute(call: Call, rule: str | None, subject: str | None, every: bool) -> int:
    """Take a mute away; name it as it was made."""
    if every and (rule or subject):
        raise UsageError("--all and a single mute contradict each other", hint="gavelq alert unmute --help")
    pairs = [("rule", rule), ("subject", subject), ("all", 1 if every else None)]
    reply = call.link().send("DELETE", "/api/alerts/mutes" + query(pairs))
    if call.is_json:
        print_body(reply.body)
    else:
        say(f"{len(lean.loads(reply.body))} mute(s) taken away")
    return 0

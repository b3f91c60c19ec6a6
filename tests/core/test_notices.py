"""The outbox has room for everybody: whose notices pile up keeps nobody else's out."""

from gavelq.core import events as ev
from gavelq.core.notices import ASSURED, MAX_OF_TENANT, MAX_WAITING, Message, NotifyOn
from gavelq.core.step import Changes
from tests.support.builders import World

URL = "https://a.example/x"


def fill(world: World, tenant: str, n: int) -> None:
    waiting = [
        Message(key=f"{tenant}/{at}", at=0.0, to=URL, event="end", title="", text="", details="{}", tenant=tenant)
        for at in range(n)
    ]
    world.state.apply(Changes(outbox={one.key: one for one in waiting}))


def cancel(world: World, tenant: str, n: int = 1) -> list[str]:
    """Tasks that notify end in one step; what their stories say of notices that were dropped."""
    ids = [world.submit(tenant=tenant, notify=(URL,), notify_on=(NotifyOn.END,)) for _ in range(n)]
    before = len(world.records)
    for task_id in ids:
        world.send(ev.TaskKilled(by="me", task_id=task_id, signal=15, is_ending=True))
    return [str(one.details["why"]) for one in world.records[before:] if one.kind == "not_notified"]


def told(world: World, tenant: str) -> int:
    return sum(one.tenant == tenant for one in world.state.outbox.values())


def test_a_tenant_has_so_many_notices_and_no_more() -> None:
    world = World()
    fill(world, "ada", MAX_OF_TENANT - 1)
    dropped = cancel(world, "ada", 3)
    assert told(world, "ada") == MAX_OF_TENANT
    assert dropped == [f"{MAX_OF_TENANT} notices of tenant ada wait to be delivered already"] * 2


def test_a_full_outbox_still_takes_the_first_of_each_tenant() -> None:
    world = World()
    fill(world, "ada", MAX_OF_TENANT)
    fill(world, "eve", MAX_WAITING - MAX_OF_TENANT)
    fill(world, "bob", ASSURED - 1)
    dropped = cancel(world, "bob", 3)
    assert told(world, "bob") == ASSURED
    assert dropped == [f"{MAX_WAITING} notices wait to be delivered already, {ASSURED} of tenant bob among them"] * 2


def test_what_was_delivered_makes_room_again() -> None:
    world = World()
    fill(world, "ada", MAX_OF_TENANT)
    assert cancel(world, "ada") != []
    world.send(ev.MessagesSettled(delivered=("ada/0", "ada/1")))
    assert cancel(world, "ada", 2) == []

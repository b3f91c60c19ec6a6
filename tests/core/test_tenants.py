"""Tenants and tokens: made, changed, deleted; what their quotas say to new, edited and moved tasks."""

from dataclasses import replace
from typing import Any

import pytest

from gavelq.core import events as ev
from gavelq.core.audit import ACTS
from gavelq.core.engine.quotas import hours_of
from gavelq.core.errors import GavelqError, Infeasible, InvalidField, LimitReached, NotAllowed, Refused, WrongState
from gavelq.core.ids import QueueName, TaskId
from gavelq.core.lifecycle import EndReason
from gavelq.core.tenant_options import OPTION_NAMES, options_of, with_options
from gavelq.core.tenants import (
    MAX_WINDOW_S,
    HourKey,
    Isolation,
    NameRetired,
    Role,
    Scope,
    Tenant,
    TenantNotFound,
    Token,
    TokenId,
    TokenNotFound,
)
from tests.support.builders import GIB, World, card, request, uuid


def create(world: World, name: str = "ada", **options: Any) -> Tenant:
    made: Tenant = world.send(ev.TenantCreated(by="me", name=name, options=options))
    return made


def token(world: World, tenant: str = "ada", **given: Any) -> Token:
    values: dict[str, Any] = {"hash": "h", "prefix": "gvq_a", "scopes": (Scope.READ,)}
    made: Token = world.send(ev.TokenCreated(by="me", tenant=tenant, **(values | given)))
    return made


def submit(world: World, n: int = 1, **given: Any) -> tuple[TaskId, ...]:
    asked = request(**({"tenant": "ada"} | given))
    ids: tuple[TaskId, ...] = world.send(ev.TasksSubmitted(by="ada", requests=(asked,) * n, blobs={asked.env: b"{}"}))
    return ids


def test_options_are_read_as_people_write_them() -> None:
    made = with_options(
        Tenant(name="t"),
        {
            "role": "viewer", "weight": "2", "uid": "1001", "isolation": "device", "enforce": "yes", "max_gpus": "2",
            "max_memory": "24G", "max_running": 3, "max_queued": "none", "gpu_hours": "1.5", "window": "1d",
            "max_priority": 7, "max_time_limit": "2h", "queues": "a,b", "gpus": ["GPU-1"], "description": "Ada",
        },
    )  # fmt: skip
    assert (made.role, made.weight, made.uid, made.isolation, made.enforce) == (
        Role.VIEWER,
        2,
        1001,
        Isolation.DEVICE,
        True,
    )
    assert (made.quota.max_memory, made.quota.window_s, made.quota.queues) == (24 * GIB, 86400, ("a", "b"))
    assert set(options_of(made)) == set(OPTION_NAMES)
    assert with_options(Tenant(name="t"), options_of(made)) == made


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "root"), ("weight", 0), ("weight", "nan"), ("uid", -2), ("isolation", "jail"), ("enforce", "maybe"),
        ("max_gpus", 1.5), ("max_gpus", True), ("max_memory", "much"), ("gpu_hours", -1), ("window", "40d"),
        ("window", "1m"), ("max_priority", 101), ("queues", 5), ("queues", [["a"]]), ("description", "a\nb"),
        ("colour", "red"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_names_the_option(name: str, value: object) -> None:
    with pytest.raises(InvalidField) as caught:
        with_options(Tenant(name="t"), {name: value})
    assert caught.value.details["field"] == name


def test_a_tenant_is_made_once_changed_and_deleted_with_its_tokens() -> None:
    world = World()
    create(world, max_gpus=2)
    with pytest.raises(WrongState):
        create(world)
    with pytest.raises(InvalidField):
        create(world, "a b")
    world.send(ev.TenantChanged(by="me", name="ada", options={"max_gpus": 1}, password="hash"))
    changed = world.state.tenants["ada"]
    assert (changed.quota.max_gpus, changed.password) == (1, "hash")
    token(world)
    submit(world)
    with pytest.raises(WrongState, match="not ended"):
        world.send(ev.TenantDeleted(by="me", name="ada"))
    world.run_all()
    world.ended(TaskId(1))
    world.send(ev.TenantDeleted(by="me", name="ada"))
    assert (world.state.tenants, world.state.tokens) == ({}, {})
    with pytest.raises(TenantNotFound):
        world.send(ev.TenantChanged(by="me", name="ada", options={}))
    assert "hash" not in str(world.records), "a password's hash is not history"


def test_a_unix_user_is_one_tenant() -> None:
    world = World()
    create(world, "a", uid=1001)
    with pytest.raises(InvalidField, match="tenant a already"):
        create(world, "b", uid=1001)
    world.send(ev.TenantChanged(by="me", name="a", options={"uid": 1001}))


def test_tokens_have_numbers_of_their_own_that_are_not_given_again() -> None:
    world = World()
    with pytest.raises(TenantNotFound):
        token(world)
    create(world)
    assert token(world).id == 1
    world.send(ev.TokenRevoked(by="me", token=TokenId(1)))
    with pytest.raises(TokenNotFound):
        world.send(ev.TokenRevoked(by="me", token=TokenId(1)))
    assert token(world).id == 2
    assert token(world, "me", is_own=True).id == 3
    with pytest.raises(InvalidField):
        token(world, expires_at=world.now)
    world.send(ev.TokensUsed(at={TokenId(2): 5.0, TokenId(1): 5.0}))
    assert {number: one.used_at for number, one in world.state.tokens.items()} == {2: 5.0, 3: None}


def test_the_token_s_hash_is_not_history() -> None:
    world = World()
    create(world)
    token(world, hash="very secret")
    assert "very secret" not in str(world.records)


@pytest.mark.parametrize(
    ("options", "asked", "error"),
    [
        ({"queues": "a"}, {}, NotAllowed),
        ({"max_priority": 3}, {"priority": 4}, InvalidField),
        ({"max_time_limit": 60}, {"time_limit_s": 61.0}, InvalidField),
        ({"max_gpus": 1}, {"count": 2}, Refused),
        ({"max_memory": "8G"}, {"memory": 5 * GIB, "count": 2}, Refused),
        ({"max_memory": "23G"}, {}, Refused),
        ({"max_memory": "40G"}, {"count": 2}, Refused),
        ({"gpus": uuid(0)}, {"allowed": (uuid(1),)}, NotAllowed),
        ({"gpus": uuid(0)}, {"count": 2}, Refused),
        ({"max_queued": 0}, {}, LimitReached),
    ],
)
def test_a_task_above_a_ceiling_is_refused_and_the_quota_is_named(
    options: dict[str, Any], asked: dict[str, Any], error: type[GavelqError]
) -> None:
    world = World()
    create(world, **options)
    with pytest.raises(error, match=r"ada"):
        submit(world, **asked)
    submit(world, tenant="me", **asked)


def test_what_a_tenant_does_not_name_follows_from_its_quota() -> None:
    world = World()
    create(world, max_time_limit="1m", gpus=[uuid(2), uuid(3)])
    (task_id,) = submit(world)
    asked = world.task(task_id).request
    assert (asked.time_limit_s, asked.gpus.allowed) == (60, ())
    world.run_all()
    assert world.gpus(task_id) == ["2"]


def test_a_tenant_s_cards_that_another_queue_owns_are_in_nobody_s_way_who_names_none() -> None:
    world = World()
    world.send(ev.QueueCreated(by="me", name=QueueName("a"), options={}))
    world.send(ev.GpusAllocated(by="me", queue=QueueName("a"), gpus=(uuid(1),)))
    create(world, gpus=[uuid(1), uuid(2)])
    (first,), (held,) = submit(world), submit(world, hold=True)
    world.run_all()
    assert world.gpus(first) == ["2"]
    world.send(ev.TaskMoved(by="ada", task_id=held, queue=QueueName("waiting")))
    world.send(ev.TaskReleased(by="ada", task_id=held, queue=QueueName("a")))
    world.run_all()
    assert world.gpus(held) == ["1"]
    for asked in ({"allowed": (uuid(1),)}, {"count": 2}):
        with pytest.raises(Refused, match="GPU 1 belongs to queue a, the task to queue running"):
            submit(world, **asked)


def test_a_request_that_its_tenant_s_cards_are_too_small_for_is_refused() -> None:
    world = World(n_cards=2)
    world.look(card(0), card(1, total=80 * GIB))
    create(world, gpus=[uuid(0)])
    with pytest.raises(Infeasible, match="24"):
        submit(world, memory=40 * GIB)
    submit(world, tenant="me", memory=40 * GIB)


def test_a_task_without_declared_memory_is_asked_to_declare_some_where_no_whole_card_is_allowed() -> None:
    world = World(n_cards=2)
    world.look(card(0), card(1, total=80 * GIB))
    create(world, max_memory="20G")
    with pytest.raises(Refused, match=r"declares no memory.*24\.0G.*20\.0G") as caught:
        submit(world)
    assert "declare" in caught.value.hint
    (task_id,), (without,) = submit(world, memory=20 * GIB), submit(world, count=0)
    was = world.task(task_id).request
    asked = replace(was, gpus=replace(was.gpus, memory=None))
    with pytest.raises(Refused, match="declares no memory"):
        world.send(ev.TasksEdited(by="ada", requests={task_id: asked}, fields=("memory",)))
    assert set(world.run_all()) == {task_id, without}


def test_edits_and_moves_keep_to_the_quota() -> None:
    world = World()
    world.send(ev.QueueCreated(by="me", name=QueueName("a"), options={}))
    create(world, max_priority=3, queues="running,waiting")
    (task_id,) = submit(world, hold=True)
    with pytest.raises(InvalidField):
        world.send(ev.TaskPrioritized(by="ada", task_id=task_id, priority=4))
    with pytest.raises(NotAllowed):
        world.send(ev.TaskMoved(by="ada", task_id=task_id, queue=QueueName("a")))
    with pytest.raises(NotAllowed):
        world.send(ev.TaskReleased(by="ada", task_id=task_id, queue=QueueName("a")))
    world.send(ev.TaskPrioritized(by="ada", task_id=task_id, priority=3))


def test_only_tasks_that_have_not_started_count_as_queued() -> None:
    world = World()
    create(world, max_queued=2)
    submit(world, 2)
    with pytest.raises(LimitReached):
        submit(world)
    world.run_all()
    submit(world, 2)


def test_hours_are_kept_by_tenant_and_forgotten_after_the_longest_window() -> None:
    world = World(now=3600.0 * 1000 - 600)
    create(world)
    submit(world, count=2)
    world.run_all()
    world.now += 1200
    world.ended(TaskId(1))
    assert world.state.hours == {HourKey("ada", 999): 1200.0, HourKey("ada", 1000): 1200.0}
    world.now += MAX_WINDOW_S + 7200
    world.look()
    submit(world, count=0)
    world.run_all()
    world.ended(TaskId(2))
    assert world.state.hours != {}, "a task without a GPU costs nothing, and looks at nothing"
    world.look(*(card(number) for number in range(4)))
    submit(world)
    world.run_all()
    world.now += 10
    world.ended(TaskId(3))
    assert [key.hour for key in world.state.hours] == [int(world.now // 3600)]


def test_the_hours_of_a_tenant_that_does_not_come_back_are_forgotten_when_another_has_one() -> None:
    world = World(now=3600.0 * 1000)
    for name in ("ada", "bob"):
        create(world, name)
        submit(world, tenant=name)
    world.run_all()
    world.now += 10
    world.ended(TaskId(1))
    world.ended(TaskId(2))
    assert {key.tenant for key in world.state.hours} == {"ada", "bob"}
    world.now += MAX_WINDOW_S + 7200
    world.look(*(card(number) for number in range(4)))
    submit(world)
    world.run_all()
    world.now += 10
    world.ended(TaskId(3))
    assert [key.tenant for key in world.state.hours] == ["ada"]


def test_a_span_is_cut_at_the_hours() -> None:
    assert hours_of(3500.0, 7300.0) == [(0, 100.0), (1, 3600.0), (2, 100.0)]
    assert hours_of(5.0, 5.0) == []


def test_an_act_that_changes_nothing_is_noted() -> None:
    world = World()
    world.send(ev.ActNoted(by="root", kind="login", subject="tenant:ada", details={"address": "::1"}))
    noted = world.records[-1]
    assert (noted.kind, noted.by, noted.subject, noted.details) == ("login", "root", "tenant:ada", {"address": "::1"})
    assert noted.task_id is None


def test_that_an_admin_ends_a_task_of_another_is_an_act_and_that_its_owner_does_is_none() -> None:
    world = World()
    for tenant, reason in (("ada", EndReason.CANCELLED_BY_USER), ("bob", EndReason.CANCELLED_BY_ADMIN)):
        (task_id,) = submit(world, tenant=tenant)
        world.send(ev.TaskKilled(by="root", task_id=task_id, signal=15, is_ending=True, reason=reason))
    acts = [record for record in world.records if record.kind in ACTS]
    assert [(act.kind, act.by, act.subject, act.details["tenant"]) for act in acts] == [
        ("task_killed", "root", "task:2", "bob")
    ]


def test_the_name_of_a_deleted_tenant_stays_taken_until_somebody_takes_it_over() -> None:
    world = World()
    create(world, max_gpus=2)
    world.send(ev.TenantDeleted(by="me", name="ada"))
    with pytest.raises(NameRetired, match="kept under this name"):
        create(world)
    assert world.state.tenants == {}
    world.send(ev.TenantCreated(by="me", name="ada", options={}, is_taking_over=True))
    assert (list(world.state.tenants), world.state.retired) == (["ada"], {})
    assert world.records[-1].details == {"taken_over": True}
    world.send(ev.TenantCreated(by="me", name="bob", options={}, is_taking_over=True))
    assert world.records[-1].details == {}, "there was nothing to take over"


def test_the_own_users_name_is_never_retired() -> None:
    world = World()
    create(world, "root")
    world.send(ev.TenantDeleted(by="me", name="root", is_own=True))
    create(world, "root")

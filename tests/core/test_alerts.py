"""When conditions become alerts: only after their time, once for each subject, and quiet when asked."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gavelq.core import events as ev
from gavelq.core.alerts import Alert, Mute, Quiet, RuleName, RuleSpec, Seen, Verdict, Watch, judge, to_tell
from gavelq.core.engine import EngineRules
from gavelq.core.engine.alerts import MuteNotFound
from tests.support.builders import World

HOT = RuleName.GPU_TEMPERATURE
LIMIT, COOL, FOR_S, RESOLVE_S = 90, 85, 10.0, 20.0
SPECS = {HOT: RuleSpec(threshold=LIMIT, for_s=FOR_S)}


def seen(value: float | None, subject: str = "gpu:a") -> Seen:
    return Seen(
        rule=HOT, subject=subject, value=value, is_over=value is not None and value >= LIMIT,
        is_clear=value is not None and value <= COOL,
    )  # fmt: skip


@dataclass
class Watcher:
    """Keeps what a daemon keeps between looks."""

    firing: dict[str, Alert] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)
    n_fired: int = 0

    def look(
        self, now: float, *found: Seen, specs: dict[RuleName, RuleSpec] = SPECS, gone: tuple[str, ...] = ()
    ) -> Verdict:
        verdict = judge(
            found, specs=specs, firing=self.firing, watch=self.watch, now=now, resolve_s=RESOLVE_S, gone=gone
        )
        self.watch = verdict.watch
        for key in verdict.resolved:
            del self.firing[key]
        for alert in verdict.fired:
            assert alert.key not in self.firing, "one firing alert for each subject"
            self.firing[alert.key] = alert
            self.n_fired += 1
        return verdict


def test_nothing_fires_before_its_time_and_then_once() -> None:
    watcher = Watcher()
    fired = [bool(watcher.look(float(at), seen(95)).fired) for at in range(30)]
    assert fired.index(True) == FOR_S
    assert sum(fired) == 1


def test_a_look_below_the_threshold_or_unknown_starts_the_time_anew() -> None:
    for value in (89, 20, None):
        watcher = Watcher()
        for at in range(9):
            watcher.look(float(at), seen(95))
        watcher.look(9.0, seen(value))
        assert not any(watcher.look(float(at), seen(95)).fired for at in range(10, 20))
        assert watcher.look(20.0, seen(95)).fired


def test_it_is_over_only_when_it_was_clear_for_a_while() -> None:
    watcher = Watcher()
    for at in range(11):
        watcher.look(float(at), seen(95))
    assert watcher.firing
    between = [watcher.look(float(at), seen(88)).resolved for at in range(11, 100)]
    assert not any(between), "in between it goes on"
    resolved = [bool(watcher.look(float(at), seen(80)).resolved) for at in range(100, 130)]
    assert resolved.index(True) == RESOLVE_S


def test_time_without_looks_counts_as_nothing() -> None:
    watcher = Watcher()
    watcher.look(0.0, seen(95))
    assert not watcher.look(3600.0, seen(95)).fired, "a laptop's lid was closed"
    assert not watcher.look(3605.0, seen(95)).fired
    assert watcher.look(3610.0, seen(95)).fired


def test_what_is_gone_or_switched_off_is_over_at_once() -> None:
    for specs, gone in (({}, ()), (SPECS, ("gpu:a",))):
        watcher = Watcher()
        for at in range(11):
            watcher.look(float(at), seen(95))
        assert watcher.look(11.0, seen(95), specs=specs, gone=gone).resolved == (f"{HOT}/gpu:a",)


def test_each_subject_has_its_own_alert() -> None:
    watcher = Watcher()
    for at in range(11):
        watcher.look(float(at), seen(95), seen(96, "gpu:b"))
    assert set(watcher.firing) == {f"{HOT}/gpu:a", f"{HOT}/gpu:b"}


VALUES = st.lists(st.sampled_from([None, 20, 85, 86, 89, 90, 95]), min_size=1, max_size=200)


@given(VALUES, st.lists(st.sampled_from([0.5, 1.0, 5.0, 29.0, 31.0]), min_size=200, max_size=200))
def test_whatever_comes_no_alert_fires_without_its_time_nor_twice_within_its_hysteresis(
    values: list[int | None], steps: list[float]
) -> None:
    watcher, now = Watcher(), 0.0
    looks: list[tuple[float, int | None]] = []
    last_fired: float | None = None
    for value, step in zip(values, steps, strict=False):
        now += step
        looks.append((now, value))
        if not watcher.look(now, seen(value)).fired:
            continue
        recent = [one for at, one in looks if at >= now - FOR_S]
        assert all(one is not None and one >= LIMIT for one in recent)
        assert now - FOR_S >= looks[0][0], "it was watched for the whole time"
        if last_fired is not None:
            assert longest_clear(looks, last_fired) >= RESOLVE_S
        last_fired = now


def longest_clear(looks: list[tuple[float, int | None]], since: float) -> float:
    best, began = 0.0, None
    for at, value in looks:
        if at < since:
            continue
        if value is not None and value <= COOL:
            began = at if began is None else began
            best = max(best, at - began)
        else:
            began = None
    return best


def alert(rule: RuleName = HOT, *, is_told: bool = False) -> Alert:
    return Alert(rule=rule, subject="gpu:a", since=0.0, fired_at=1.0, text="t", is_told=is_told)


def mute(until: float, rule: str = "", subject: str = "") -> Mute:
    return Mute(rule=rule, subject=subject, until=until, by="me", at=0.0)


def test_quiet_hours_keep_all_but_critical_alerts_quiet() -> None:
    both = [alert(), alert(RuleName.GPU_FAULT)]
    assert to_tell(both, [], is_quiet=True, now=5.0) == (both[1].key,)
    assert to_tell(both, [], is_quiet=False, now=5.0) == (both[0].key, both[1].key), "told when they are over"
    assert to_tell([alert(is_told=True)], [], is_quiet=False, now=5.0) == ()


@pytest.mark.parametrize(
    ("one", "is_told"),
    [
        (mute(10.0), False), (mute(10.0, HOT), False), (mute(10.0, HOT, "gpu:a"), False),
        (mute(10.0, "gpu_fault"), True), (mute(10.0, HOT, "gpu:b"), True), (mute(5.0), True),
    ],
)  # fmt: skip
def test_a_mute_covers_its_rule_and_subject_until_it_expires(one: Mute, is_told: bool) -> None:
    assert bool(to_tell([alert()], [one], is_quiet=False, now=5.0)) is is_told


def test_quiet_hours_may_go_past_midnight() -> None:
    night = Quiet(start=22 * 60, end=7 * 60)
    assert [night.covers(hour * 60) for hour in (21, 22, 23, 0, 6, 7)] == [False, True, True, True, True, False]
    noon = Quiet(start=12 * 60, end=13 * 60)
    assert [noon.covers(hour * 60) for hour in (11, 12, 13)] == [False, True, False]


# --- the engine ------------------------------------------------------------------------------------------


def world() -> World:
    return World(rules=EngineRules(log_dir="/logs", has_channels=True))


def test_an_alert_fires_is_told_and_resolved_once_whatever_is_repeated() -> None:
    made, one = world(), alert()
    for _ in range(2):
        made.send(ev.AlertsJudged(fired=(one,), told=(one.key,)))
    assert [record.kind for record in made.records if record.kind.startswith("alert")] == ["alert_firing"]
    assert [message.event for message in made.state.outbox.values()] == ["firing"]
    made.send(ev.MessagesSettled(delivered=tuple(made.state.outbox)))
    made.send(ev.AlertsJudged(fired=(one,), told=(one.key,)))
    assert made.state.outbox == {}, "who was told is not told again"
    for _ in range(2):
        made.send(ev.AlertsJudged(resolved=(one.key,)))
    assert made.state.alerts == {}
    assert [message.event for message in made.state.outbox.values()] == ["resolved"]


def test_nobody_hears_of_the_end_of_what_nobody_was_told() -> None:
    made, one = world(), alert()
    made.send(ev.AlertsJudged(fired=(one,)))
    made.send(ev.AlertsJudged(resolved=(one.key,)))
    assert made.state.outbox == {}


def test_mutes_end_by_themselves_or_when_taken_away() -> None:
    made = world()
    made.send(ev.AlertMuted(by="me", rule="", subject="", until=made.now + 5))
    made.send(ev.AlertMuted(by="me", rule="gpu_fault", subject="gpu:a", until=made.now + 50))
    made.now += 10
    made.send(ev.AlertsJudged())
    assert [found.rule for found in made.state.mutes.values()] == ["gpu_fault"]
    with pytest.raises(MuteNotFound):
        made.send(ev.AlertUnmuted(by="me", rule="gpu_fault"))
    made.send(ev.AlertUnmuted(by="me", rule="gpu_fault", subject="gpu:a"))
    assert made.state.mutes == {}

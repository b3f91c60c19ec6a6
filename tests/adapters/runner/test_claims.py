"""Two daemons on one machine respect each other's cards."""

import json
import os
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from gavelq.adapters.runner.claims import Claimed, Claims, ClaimsReader
from gavelq.core.ids import GpuUuid
from gavelq.testing.waiting import wait_until
from tests.adapters.runner.box import Box, uuids

NOBODY: frozenset[GpuUuid] = frozenset()
CARDS = uuids("GPU-a", "GPU-b")


@pytest.fixture
def other(root: Path) -> Iterator[Box]:
    """Another daemon of the same machine: another state directory, the same claims."""
    (root / "other").mkdir()
    made = Box(root / "other")
    made.claims = root / "claims"
    made.client = made._new_client()
    try:
        yield made.connect()
    finally:
        made.close()


def wait_for(root: Path, *cards: str) -> None:
    """An end is told a moment before its supervisor is gone, and its claim with it."""
    wait_until(lambda: set(foreign(root)) == set(cards), what=f"claimed: {cards}; now {foreign(root)}")


def foreign(root: Path, *, state_dir: str = "") -> dict[GpuUuid, str]:
    return dict(ClaimsReader(str(root / "claims"), state_dir).foreign(CARDS, NOBODY))


def test_a_card_is_claimed_exactly_as_long_as_its_task_runs(box: Box) -> None:
    box.start(1, "sleep 300", claims=uuids("GPU-a"))
    assert foreign(box.root) == {"GPU-a": f"the gavelq daemon of ada (pid {os.getpid()})"}
    box.stop(1)
    box.result(1)
    wait_for(box.root)


def test_a_card_of_another_daemon_is_a_transient_failure_that_names_it(box: Box, other: Box) -> None:
    box.start(1, "sleep 300", claims=uuids("GPU-a"))
    other.spawn(1, "true", claims=uuids("GPU-b", "GPU-a"))
    failure = other.failure(1)
    assert failure.is_transient
    assert "GPU-a is claimed by the gavelq daemon of ada (pid" in failure.problem
    assert list(foreign(box.root)) == ["GPU-a"]  # GPU-b was given back
    box.stop(1)
    box.result(1)
    wait_for(box.root)
    other.spawn(1, "exit 3", claims=uuids("GPU-b", "GPU-a"))
    assert other.result(1).exit_code == 3


def test_a_claim_outlives_the_runner_and_is_no_conflict_with_ourselves(box: Box, other: Box) -> None:
    box.start(1, "sleep 300", claims=CARDS)
    box.kill_runner()
    box.await_reconnection()
    other.spawn(1, "true", claims=uuids("GPU-a"))
    assert other.failure(1).is_transient
    box.start(2, "sleep 300", claims=uuids("GPU-a"))
    box.stop(1)
    box.result(1)
    other.spawn(2, "true", claims=uuids("GPU-a"))
    assert other.failure(2).is_transient
    assert set(foreign(box.root)) == {"GPU-a"}


def test_a_claim_lasts_without_any_runner(box: Box) -> None:
    started = box.start(1, "sleep 300", claims=uuids("GPU-a"))
    box.kill_runner_for_good()
    assert set(foreign(box.root)) == {"GPU-a"}
    os.kill(started.supervisor.pid, signal.SIGKILL)
    wait_for(box.root)
    box.reconnect_as_new_daemon()


def test_an_adopted_claim_is_taken_over_when_its_holder_is_gone(root: Path) -> None:
    supervisors, ours = Claims(str(root / "claims"), "/state"), Claims(str(root / "claims"), "/state")
    supervisors.take(["GPU-a"])
    assert ours.adopt(["GPU-a"]) == ("GPU-a",)
    assert ours.descriptors(["GPU-a"]) == ()
    supervisors.give_back(["GPU-a"])
    assert foreign(root) == {}
    ours.settle()
    assert set(foreign(root)) == {"GPU-a"}
    ours.give_back(["GPU-a"])
    assert foreign(root) == {}


def test_two_tasks_of_one_daemon_share_a_claim_until_the_last_ends(box: Box) -> None:
    for number in (1, 2):
        box.start(number, "sleep 300", claims=uuids("GPU-a"))
    box.stop(1)
    box.result(1)
    assert set(foreign(box.root)) == {"GPU-a"}
    box.stop(2)
    box.result(2)
    wait_for(box.root)


def test_a_claim_outlives_the_runner_while_a_shared_card_is_in_use(box: Box) -> None:
    for number in (1, 2):
        box.start(number, "sleep 300", claims=uuids("GPU-a"))
    box.kill_runner()
    box.await_reconnection()
    box.stop(1)
    box.result(1)
    assert set(foreign(box.root)) == {"GPU-a"}


def test_our_own_cards_are_not_foreign(box: Box) -> None:
    box.start(1, "sleep 300", claims=uuids("GPU-a"))
    reader = ClaimsReader(str(box.claims))
    assert reader.foreign(CARDS, frozenset(uuids("GPU-a"))) == {}
    assert foreign(box.root, state_dir=str(box.root)) == {}


def test_a_failed_start_leaves_no_claim(box: Box) -> None:
    box.spawn(1, (("no-such-program",),), claims=uuids("GPU-a"))
    box.failure(1)
    wait_for(box.root)


def test_the_directory_and_its_files_are_open_to_all_accounts(root: Path) -> None:
    old = os.umask(0o077)
    try:
        claims = Claims(str(root / "claims"), "/state")
        claims.take(["GPU-a"])
    finally:
        os.umask(old)
    assert stat.S_IMODE((root / "claims").stat().st_mode) == 0o1777
    assert stat.S_IMODE((root / "claims" / "GPU-a").stat().st_mode) == 0o666
    claims.give_back(["GPU-a"])


@pytest.mark.parametrize("trap", ["link", "hard link", "directory", "pipe"])
def test_nothing_but_plain_files_is_touched(root: Path, trap: str) -> None:
    claims_dir, precious, path = root / "claims", root / "precious", root / "claims" / "GPU-a"
    claims_dir.mkdir()
    claims_dir.chmod(0o1777)
    precious.write_text("precious")
    if trap == "link":
        path.symlink_to(precious)
    elif trap == "hard link":
        path.hardlink_to(precious)
    elif trap == "directory":
        path.mkdir()
    else:
        os.mkfifo(path)
    claims = Claims(str(claims_dir), "/state")
    claims.take(["GPU-a"])
    assert claims.descriptors(["GPU-a"]) == ()
    assert foreign(root) == {}
    assert precious.read_text() == "precious"
    claims.give_back(["GPU-a"])


@pytest.mark.parametrize("trouble", ["file", "link", "not sticky"])
def test_an_unusable_directory_claims_nothing_and_stops_no_task(box: Box, trouble: str) -> None:
    if trouble == "file":
        box.claims.write_text("")
    elif trouble == "link":
        (box.root / "elsewhere").mkdir()
        box.claims.symlink_to(box.root / "elsewhere")
    else:
        box.claims.mkdir()
        box.claims.chmod(0o777)
    box.spawn(1, "exit 3", claims=CARDS)
    assert box.result(1).exit_code == 3
    assert foreign(box.root) == {}
    assert str(box.claims) in (box.directory / "runner.log").read_text()
    assert not list((box.root / "elsewhere").glob("*"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the gavelq daemon of an unknown user"),
        (b"\xff not json", "the gavelq daemon of an unknown user"),
        (b"[" * 100_000, "the gavelq daemon of an unknown user"),
        (b'{"user": "eve\\u001b[31m", "pid": true}', "the gavelq daemon of eve[31m"),
        (json.dumps({"user": "bob", "pid": 7}).encode(), "the gavelq daemon of bob (pid 7)"),
    ],
)
def test_what_a_claim_says_is_shown_but_not_trusted(root: Path, content: bytes, said: str) -> None:
    theirs = Claims(str(root / "claims"), "/theirs")
    theirs.take(["GPU-a"])
    (root / "claims" / "GPU-a").write_bytes(content)
    assert foreign(root) == {"GPU-a": said}
    ours = Claims(str(root / "claims"), "/ours")
    with pytest.raises(Claimed, match="GPU GPU-a is claimed by"):
        ours.take(["GPU-b", "GPU-a"])
    assert set(foreign(root)) == {"GPU-a"}
    theirs.give_back(["GPU-a"])


@pytest.mark.parametrize("uuid", ["", ".", "..", "../precious", "a\0b", "x" * 300, "MIG-GPU-1/2/3"])
def test_a_strange_uuid_never_leaves_the_directory(root: Path, uuid: str) -> None:
    claims = Claims(str(root / "claims"), "/state")
    claims.take([uuid])
    assert foreign(root) == {}
    assert {path.parent for path in root.rglob("*")} <= {root, root / "claims"}
    assert not (root / "precious").exists()
    assert ClaimsReader(str(root / "claims")).foreign([GpuUuid(uuid)], NOBODY).keys() <= {uuid}
    claims.give_back([uuid])


def test_a_new_daemon_is_named_in_the_claims_of_running_tasks(box: Box) -> None:
    box.start(1, "sleep 300", claims=uuids("GPU-a"))
    box.client._identity["user"] = "grace"
    box.run(box.client.close())
    identity = dict(box.client._identity)
    box.client = type(box.client)(directory=str(box.directory), claims_dir=str(box.claims), identity=identity)
    box.connect()
    wait_until(lambda: "grace" in foreign(box.root).get(GpuUuid("GPU-a"), ""), what="the new daemon's name")

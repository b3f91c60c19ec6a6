"""Configurations of command files over the routes of a real daemon: kept, told apart by version, moved, bounded."""

import asyncio
import json
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gavelq.core.command_files import FileId, FileNotStored, StoredFile
from gavelq.core.state import State
from gavelq.core.step import Changes
from gavelq.core.tenants import Role
from gavelq.daemon.caller import Caller
from gavelq.daemon.service.desk import Desk
from gavelq.daemon.service.files import FileService
from tests.support.daemon import Box, Failure

TWO = "# 队列\n1\npython a.py --x 1\n20 # GB\n\nb\npython b.py\npython c.py\n7.5\n\n1\npython d.py\n8\n"
Json = dict[str, Any]


def new(box: Box, content: str = TWO, mode: str = "single", **fields: Any) -> Json:
    found: Json = box.post(f"/api/commands/{mode}/new", {"content": content, **fields})
    return found


def at(file: Json, verb: str = "") -> str:
    return f"/api/commands/{file['mode']}{verb}?config_index={file['config_index']}"


def put(box: Box, target: str, body: Json, etag: str | None = None) -> tuple[int, Json]:
    """Status and answer of a PUT, with If-Match where an ETag is given."""
    headers = {"Content-Type": "application/json"} | ({} if etag is None else {"If-Match": etag})
    status, _, answer = box.raw("PUT", target, json.dumps(body).encode(), headers)
    return status, json.loads(answer)


def names(box: Box, mode: str = "single") -> list[str]:
    return [file["name"] for file in box.get(f"/api/commands/{mode}/list")]


def problem(box: Box, method: str, target: str, body: Json | None = None) -> tuple[int, str]:
    """Status and code of a request that is refused."""
    with pytest.raises(Failure) as raised:
        box.request(method, target, body)
    return raised.value.status, raised.value.body["code"]


def test_a_text_comes_back_with_what_stands_in_it(daemon: Box) -> None:
    made = new(daemon, name="sweep.txt")
    shown = daemon.get(at(made))
    assert shown == made
    assert (shown["content"], shown["n_tasks"], shown["n_queues"], shown["mistakes"]) == (TWO, 3, 2, [])
    assert shown["queues"]["1"] == [
        {"process_index": 0, "line": 2, "commands": ["python a.py --x 1"], "gpu_count": 1, "memory_gb": 20},
        {"process_index": 1, "line": 11, "commands": ["python d.py"], "gpu_count": 1, "memory_gb": 8},
    ]
    assert shown["queues"]["b"][0]["commands"] == ["python b.py", "python c.py"]
    assert shown["queues"]["b"][0]["memory_gb"] == 7.5
    assert (shown["index"], shown["is_running"], shown["run_id"]) == (shown["config_index"] + 1, False, None)
    listed = daemon.get("/api/commands/single/list")[made["config_index"]]
    assert listed == {name: value for name, value in shown.items() if name not in ("content", "queues", "mistakes")}
    assert daemon.get("/api/commands/single/all")[made["config_index"]] == shown


def test_a_text_with_mistakes_is_kept_and_its_mistakes_are_told(daemon: Box) -> None:
    made = new(daemon, "1\npython a.py\n20\n\nx y\nb\n3\n\n2\nc\n")
    assert [(one["line"], one["block"]) for one in made["mistakes"]] == [
        (5, "block 2 (queue 'x y', from line 5)"),
        (10, "block 3 (queue '2', from line 9)"),
    ]
    assert (made["n_tasks"], made["n_mistakes"]) == (1, 2)
    checked = daemon.post("/api/commands/single/check", {"content": made["content"]})
    assert checked == {name: made[name] for name in checked}
    assert checked["n_mistakes"] == 2


def test_the_same_text_is_read_by_its_mode(daemon: Box) -> None:
    text = "1\nrun\n2\n20\n"
    assert daemon.post("/api/commands/multi/check", {"content": text})["queues"]["1"][0]["gpu_count"] == 2
    other = daemon.post("/api/commands/single/check", {"content": text})
    assert [(mistake["line"], "mode multi" in mistake["hint"]) for mistake in other["mistakes"]] == [(3, True)]


def test_line_ends_and_a_byte_order_mark_are_not_kept(daemon: Box) -> None:
    made = new(daemon, "\ufeff1\r\npython a.py\r\n20\r\n")
    assert (made["content"], made["n_tasks"], made["mistakes"]) == ("1\npython a.py\n20\n", 1, [])


def test_the_first_one_can_be_read_before_there_is_one_and_is_made_by_writing_it(fresh: Box) -> None:
    status, headers, body = fresh.raw("GET", "/api/commands/multi?config_index=0", b"", {})
    empty = json.loads(body)
    assert (status, headers["etag"], empty["content"], empty["id"]) == (200, '"0-0"', "", None)
    assert problem(fresh, "GET", "/api/commands/multi?config_index=1") == (404, "configuration_not_found")
    assert problem(fresh, "PUT", "/api/commands/multi?config_index=1", {"content": ""})[0] == 404
    assert put(fresh, "/api/commands/multi", {"content": "a"}, '"1-1"')[0] == 412
    status, made = put(fresh, "/api/commands/multi", {"content": "a"}, '"0-0"')
    assert (status, made["config_index"], made["name"]) == (201, 0, "multi 1")
    status, refused = put(fresh, "/api/commands/multi", {"content": "b"}, '"0-0"')
    assert (status, refused["code"]) == (412, "changed_meanwhile")
    assert fresh.get("/api/commands/multi")["content"] == "a"
    assert put(fresh, "/api/commands/multi?config_index=1", {"name": "second"})[0] == 201
    assert names(fresh, "multi") == ["multi 1", "second"]


def test_the_second_of_two_edits_of_one_version_is_refused_and_nothing_is_lost(daemon: Box) -> None:
    made = new(daemon)
    assert put(daemon, at(made), {"content": "mine"}, made["etag"])[0] == 200
    status, refused = put(daemon, at(made), {"content": "yours"}, made["etag"])
    now = daemon.get(at(made))
    assert (status, refused["code"], now["content"]) == (412, "changed_meanwhile", "mine")
    assert refused["details"]["etag"] == now["etag"] != made["etag"]
    for verb, method in (("/reset", "POST"), ("", "DELETE")):
        target = at(made, verb) if verb else f"/api/commands/single/{made['config_index']}"
        status, _, _ = daemon.raw(method, target, b"", {"If-Match": made["etag"]})
        assert status == 412
    assert put(daemon, at(made), {"content": "yours"}, now["etag"])[0] == 200
    assert put(daemon, at(made), {"content": "last wins"})[0] == 200
    assert put(daemon, at(made), {"content": "any"}, "*")[0] == 200
    assert put(daemon, at(made), {"content": "one of"}, f'"x", {daemon.get(at(made))["etag"]}')[0] == 200


def test_of_many_who_edit_one_version_at_once_exactly_one_succeeds(daemon: Box) -> None:
    made = new(daemon)
    answers: list[tuple[int, str]] = []

    def edit(text: str) -> None:
        answers.append((put(daemon, at(made), {"content": text}, made["etag"])[0], text))

    threads = [threading.Thread(target=edit, args=(f"from {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(status for status, _ in answers) == [200] + [412] * 7
    assert daemon.get(at(made))["content"] == next(text for status, text in answers if status == 200)


def test_many_who_write_the_next_free_place_do_not_make_two(fresh: Box) -> None:
    def write(text: str) -> None:
        put(fresh, "/api/commands/single", {"content": text})

    threads = [threading.Thread(target=write, args=(f"from {number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(fresh) == ["single 1"]


def test_a_rename_is_a_new_version_and_keeps_the_text(daemon: Box) -> None:
    made = new(daemon, name="before")
    status, renamed = put(daemon, at(made), {"name": "after"}, made["etag"])
    assert (status, renamed["name"], renamed["content"]) == (200, "after", TWO)
    assert renamed["etag"] != made["etag"]
    status, same = put(daemon, at(made), {"name": "after"})
    assert same["etag"] == renamed["etag"], "what changes nothing is no new version"


def test_reset_goes_back_to_the_first_text_and_a_copy_is_one_of_its_own(daemon: Box) -> None:
    made = new(daemon, name="n")
    edited = put(daemon, at(made), {"content": "edited"})[1]
    assert edited["is_changed"]
    copy = daemon.post(at(made, "/duplicate"), {})
    assert (copy["name"], copy["content"], copy["is_changed"]) == ("n (copy)", "edited", False)
    again = [daemon.post(at(one, "/duplicate"), {})["name"] for one in (made, copy)]
    assert again == ["n (copy 2)", "n (copy 3)"]
    back = daemon.post(at(made, "/reset"), {})
    assert (back["content"], back["is_changed"]) == (TWO, False)
    assert daemon.post(at(made, "/reset"), {})["etag"] == back["etag"], "what changes nothing is no new version"
    assert daemon.get(at(copy))["content"] == "edited"


def test_deleting_moves_later_ones_up_and_what_was_read_before_is_not_taken_for_another(fresh: Box) -> None:
    a, b, c, d = (new(fresh, name=name) for name in "abcd")
    gone = fresh.request("DELETE", "/api/commands/single/1")
    assert (gone["name"], gone["n_moved"]) == ("b", 2)
    assert names(fresh) == ["a", "c", "d"]
    assert [file["config_index"] for file in fresh.get("/api/commands/single/list")] == [0, 1, 2]
    status, refused = put(fresh, at(b), {"content": "for b"}, b["etag"])
    assert status == 412
    assert "is another one now (c)" in refused["message"]
    status, refused = put(fresh, at(d), {"content": "for d"}, d["etag"])
    assert (status, refused["code"]) == (412, "changed_meanwhile"), "it stands one place before; nothing is made here"
    assert names(fresh) == ["a", "c", "d"]
    assert problem(fresh, "DELETE", "/api/commands/single/0") == (409, "wrong_state")
    assert problem(fresh, "DELETE", "/api/commands/single/3") == (404, "configuration_not_found")
    assert new(fresh, name="e")["id"] > d["id"] > c["id"] > a["id"], "numbers are never used again"


def test_what_was_answered_survives_kill_9(fresh: Box) -> None:
    new(fresh, name="first")
    second = new(fresh, name="second", workdir="/tmp", env={"X": "1"})
    put(fresh, at(second), {"content": "edited"}, second["etag"])
    new(fresh, name="gpus", mode="multi", content="1\nrun\n2\n20\n")
    new(fresh, name="gone")
    fresh.request("DELETE", "/api/commands/single/2")
    before = {mode: fresh.get(f"/api/commands/{mode}/all") for mode in ("single", "multi")}
    fresh.kill()
    fresh.start()
    assert {mode: fresh.get(f"/api/commands/{mode}/all") for mode in ("single", "multi")} == before
    assert [file["content"] for file in before["single"]] == [TWO, "edited"]
    assert fresh.post(at(second, "/reset"), {})["content"] == TWO


def test_names_are_only_text_and_never_paths(daemon: Box) -> None:
    name = "../../../../../tmp/evil$(touch /tmp/evil); 'x' 实验"
    made = new(daemon, name=name)
    assert daemon.get(at(made))["name"] == name
    # What looks like a way out of the route leads nowhere.
    for index in ("..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "1e9", "-1", "9" * 30):
        with pytest.raises(Failure) as raised:
            daemon.request("DELETE", f"/api/commands/single/{index}")
        assert raised.value.status in (404, 405)
    assert problem(daemon, "GET", "/api/commands/..%2fsingle/list")[0] == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": 5}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": "x" * (4 << 20) + "x"}, "content"),
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"workdir": "relative"}, "workdir"),
        ({"workdir": "/there/is/none"}, "workdir"),
        ({"env": {"A=B": "1"}}, "env.A=B"),
        ({"env": {"A": "x" * 140_000}}, "env.A"),
        ({"contents": "x"}, "contents"),
    ],
)
def test_bad_fields_are_named_and_nothing_is_made(daemon: Box, body: Json, field: str) -> None:
    before = daemon.get("/api/commands/single/list")
    with pytest.raises(Failure) as raised:
        daemon.post("/api/commands/single/new", body)
    assert (raised.value.status, raised.value.body["details"]["field"]) == (400, field)
    assert raised.value.body["hint"]
    assert daemon.get("/api/commands/single/list") == before


def test_what_does_not_exist_and_what_changes_nothing_is_refused(daemon: Box) -> None:
    made = new(daemon)
    for target in ("/api/commands/triple/list", "/api/commands/triple", "/api/commands/triple?config_index=0"):
        assert problem(daemon, "GET", target) == (404, "mode_not_found")
    assert problem(daemon, "POST", "/api/commands/triple/new", {}) == (404, "mode_not_found")
    assert problem(daemon, "GET", "/api/commands/single?config_index=x") == (400, "invalid_field")
    assert problem(daemon, "GET", "/api/commands/single?config_index=-1") == (400, "invalid_field")
    assert problem(daemon, "PUT", at(made), {}) == (400, "invalid_field")
    assert problem(daemon, "POST", "/api/commands/single/check", {}) == (400, "invalid_field")


def test_an_environment_is_kept_but_never_shown(daemon: Box) -> None:
    made = new(daemon, workdir="/tmp", env={"SECRET_WORD": "sesame"})
    assert (made["has_env"], made["workdir"]) == (True, "/tmp")
    assert "sesame" not in json.dumps([made, daemon.get(at(made)), daemon.get("/api/commands/single/all")])


def test_a_tall_text_is_read_beside_the_loop() -> None:
    files = FileService(cast(Desk, SimpleNamespace(state=State())))

    async def turns_meanwhile() -> int:
        reading = asyncio.create_task(files.check("single", "1\n" + "x\n" * 50_000 + "20\n"))
        n_turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            n_turns += 1
        assert len((await reading)["queues"]["1"][0]["commands"]) == 50_000
        return n_turns

    assert asyncio.run(turns_meanwhile()) > 10, "others have their turns"


def test_everybody_sees_the_configurations_of_their_own_tenant_alone() -> None:
    state = State()
    for number, tenant in ((1, "ada"), (2, "bob")):
        file = StoredFile(
            id=FileId(number), tenant=tenant, mode="single", place=0, name=tenant, content=TWO, saved=TWO, version=1,
            modified_at=0.0, modified_by=tenant,
        )  # fmt: skip
        state.apply(Changes(files={file.id: file}))
    files = FileService(cast(Desk, SimpleNamespace(state=state)))
    bob = Caller(name="bob", tenant="bob")
    eve = Caller(name="eve", tenant="eve", role=Role.ADMIN)
    assert files.find(bob, "single", 0).name == "bob"
    assert [one["name"] for one in asyncio.run(files.list_files(bob))] == ["bob"]
    assert asyncio.run(files.list_files(eve)) == []
    with pytest.raises(FileNotStored):
        files.find(eve, "single", 0)

"""`gavelq config history` and `config undo` without a daemon."""

import json

from tests.cli.conftest import Shell
from tests.cli.test_settling_in import editor


def test_the_history_tells_who_changed_what_and_undo_takes_it_back(shell: Shell) -> None:
    assert shell.run("config", "history").stdout == "CHANGE\tWHEN\tBY\tHOW\tSETTING\tOLD\tNEW\tNOTE\n"
    assert shell.run("config", "undo").returncode == 3
    shell.run("config", "set", "rules.max_gpu", "3")
    shell.run("config", "set", "rules.max_gpu", "none")
    shell.run("config", "unset", "rules.max_gpu")
    assert shell.run("config", "unset", "rules.max_gpu").returncode == 0
    done = shell.run("config", "undo")
    assert done.stdout.splitlines()[0].startswith("rules.max_gpu: none (in ")
    assert "to do it again: gavelq config undo 4" in done.stdout
    rows = [line.split("\t") for line in shell.run("config", "history").stdout.splitlines()[1:]]
    assert [(row[0], *row[3:]) for row in rows] == [
        ("1", "set", "rules.max_gpu", "(default)", "3", "-"),
        ("2", "set", "rules.max_gpu", "3", "none", "-"),
        ("3", "unset", "rules.max_gpu", "none", "(default)", "undone by 4"),
        ("4", "undo", "rules.max_gpu", "(default)", "none", "undoes 3"),
    ]
    refused = shell.run("config", "undo", "1", "-o", "json")
    assert refused.returncode == 6
    assert json.loads(refused.stderr)["error"]["code"] == "wrong_state"
    assert shell.run("config", "undo", "9").returncode == 3
    assert shell.run("config", "undo", "zero").returncode == 2
    told = json.loads(shell.run("config", "undo", "-o", "json").stdout)
    assert (told["number"], told["undoes"], told["settings"][0]["new"], told["reloaded"]) == (5, 2, 3, None)


def test_the_history_is_cut_to_what_was_asked_for(shell: Shell) -> None:
    for value in ("1", "2", "3"):
        shell.run("config", "set", "rules.seed", value)
    shell.run("config", "set", "foreign", "avoid")
    assert len(shell.run("config", "history", "-n", "2").stdout.splitlines()) == 3
    assert "foreign.policy" in shell.run("config", "history", "foreign").stdout
    numbers = [c["number"] for c in json.loads(shell.run("config", "history", "rules.seed", "-o", "json").stdout)]
    assert numbers == [1, 2, 3]
    assert shell.run("config", "history", "rules.nonsense").returncode == 2
    assert shell.run("config", "history", "-n", "0").returncode == 2


def test_a_line_that_a_crash_cut_off_is_told(shell: Shell) -> None:
    shell.run("config", "set", "rules.seed", "1")
    with open(shell.home / "state" / "config-history.jsonl", "a") as file:
        file.write('{"number":2,"at"')
    done = shell.run("config", "history")
    assert "1 line(s) of the history cannot be read" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_an_edit_is_one_change_that_is_undone_at_once(shell: Shell) -> None:
    shell.run(
        "config", "edit", env=shell.env(EDITOR=editor(shell, 'printf "settle_s: 9\\nselection: first\\n" > "$1"'))
    )
    (change,) = json.loads(shell.run("config", "history", "-o", "json").stdout)
    assert (change["how"], sorted(one["name"] for one in change["settings"])) == ("edit", ["selection", "settle_s"])
    assert shell.run("config", "undo").returncode == 0
    assert shell.run("config", "get", "settle_s").stdout == "2\n"


def test_an_edit_never_overwrites_what_somebody_else_wrote_meanwhile(shell: Shell) -> None:
    shell.run("config", "set", "settle_s", "3")
    config = shell.home / "config.yaml"
    script = f'echo "selection: first" > "{config}"; echo "rules.seed: 5" >> "$1"'
    done = shell.run("config", "edit", env=shell.env(EDITOR=editor(shell, script)))
    assert done.returncode == 6
    assert "was changed meanwhile" in done.stderr
    assert config.read_text() == "selection: first\n"
    kept = shell.home / "config.yaml.edited"
    assert str(kept) in done.stderr
    assert kept.read_text() == "settle_s: 3\nrules.seed: 5\n"
    assert kept.stat().st_mode & 0o777 == 0o600

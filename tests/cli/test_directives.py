"""The header of a script: what its lines ask for, what is left out with a word, and what is refused with its line."""

import json
from typing import Any

import pytest

from gavelq.cli.directives import Header, read_header
from gavelq.core.errors import InvalidFile
from tests.cli.conftest import Shell
from tests.cli.fake_daemon import Answer, FakeDaemon, problem, task


def header(*lines: str, rest: str = "true") -> Header:
    return read_header("\n".join(["#!/bin/bash", *lines, rest]), "run.sh")


def asked(*lines: str, **given: Any) -> dict[str, Any]:
    """The options of a header without a word said about them."""
    found = header(*lines)
    merged = found.under(given)
    assert found.notes == []
    return merged


def told(*lines: str, **given: Any) -> tuple[dict[str, Any], list[str]]:
    found = header(*lines)
    merged = found.under(given)
    return merged, found.notes


def refused(*lines: str) -> str:
    with pytest.raises(InvalidFile) as caught:
        header(*lines)
    assert caught.value.hint
    return caught.value.message


# --- what has a counterpart ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("--gres=gpu:2", {"gpu_count": 2}),
        ("--gres=gpu", {"gpu_count": 1}),
        ("--gres gpu:2,gpu:1", {"gpu_count": 3}),
        ("--gpus=2", {"gpu_count": 2}),
        ("--gpus 2", {"gpu_count": 2}),
        ("-G2", {"gpu_count": 2}),
        ("-G 0", {"gpu_count": 0}),
        ("--gpus-per-node=4", {"gpu_count": 4}),
        ("-t 90", {"time": "90m"}),
        ("-t 30:00", {"time": "30:00"}),
        ("--time=1-12", {"time": "1-12:00:00"}),
        ("--time=1-12:30", {"time": "1-12:30:00"}),
        ("--time=02:00:00", {"time": "02:00:00"}),
        ("-J fit", {"name": "fit"}),
        ('--job-name="two words"  # with a comment', {"name": "two words"}),
        ("-D /tmp", {"workdir": "/tmp"}),
        ("--array=0-9%2", {"array": "0-9%2"}),
        ("-d afterok:12:13,afterany:14,afternotok:15", {"after": "12,13", "after_any": "14", "after_fail": "15"}),
        ("--depend=afterok:12", {"after": "12"}),
        ("--requeue", {"requeue": True}),
        ("--no-requeue", {}),
        ("-H --begin=now+2hours", {"hold": True, "not_before": "+2h"}),
        ("--comment='of the first kind'", {"tag": ["of the first kind"]}),
        ("--export=ALL,SEED=1", {"env": ["SEED=1"]}),
        ("-o /l/o.txt -e /l/o.txt", {"log": "/l/o.txt"}),
        ("-e /l/./o.txt --output=/l/o.txt", {"log": "/l/o.txt"}),
    ],
)
def test_options_of_sbatch_are_those_of_submit(line: str, meant: dict[str, Any]) -> None:
    assert asked(f"#SBATCH {line}") == meant


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("%x-%j.out", "{name}-{id}.out"),
        ("%A_%a.out", "{submission}_{index}.out"),
        ("%5j.%03a", "{id:05}.{index:03}"),
        ("100%%.%x", "100%.{name}"),
        ("\\%j.out", "%j.out"),
        ("plain.txt", "plain.txt"),
    ],
)
def test_patterns_of_file_names_become_ours(pattern: str, path: str) -> None:
    assert asked("#SBATCH --array=1", f"#SBATCH -o '{pattern}'")["log"] == path


def test_an_output_of_sbatch_lies_under_the_tasks_directory_and_a_log_of_ours_does_not() -> None:
    assert asked("#SBATCH -o out/%j.txt -D /data")["log"] == "/data/out/{id}.txt"
    assert asked("#SBATCH -o out/%j.txt -D /data", workdir="/else")["log"] == "/else/out/{id}.txt"
    assert asked("#SBATCH -D /data", "#GAVELQ --log out.txt")["log"] == "out.txt"
    assert asked("#SBATCH -o a.txt -D /data", log="mine.txt")["log"] == "mine.txt"


def test_lines_of_our_own_win_and_lists_are_put_together() -> None:
    found, _ = told("#GAVELQ --gpu-count 1 --tag a", "#SBATCH -G 2 --comment=b", tag=["c"])
    assert (found["gpu_count"], found["tag"]) == (1, ["b", "a", "c"])
    assert asked("#SBATCH -G 2", gpu_count=3)["gpu_count"] == 3


def test_a_warning_of_a_limit_may_have_its_limit_from_the_command_line() -> None:
    assert asked("#SBATCH --signal=B:USR1@90", time="1h") == {"warn": "USR1@90", "time": "1h"}


# --- what is noted, and what is left out -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "tag"),
    [
        ("--mem=16G", "mem=16G"),
        ("--mem 16000", "mem=16000M"),
        ("--mem=2gb", "mem=2G"),
        ("--mem=0", "mem=0"),
        ("--mem-per-cpu=4G", "mem-per-cpu=4G"),
        ("-c 4", "cpus=4"),
        ("--cpus-per-task=4", "cpus=4"),
    ],
)
def test_host_memory_and_cpus_are_noted_as_tags_that_limit_nothing(line: str, tag: str) -> None:
    found, notes = told(f"#SBATCH {line}")
    assert found == {"tag": [tag]}
    assert notes == [f"run.sh:2: {line}: it is noted as the tag {tag}; nothing limits the task by it"]


@pytest.mark.parametrize(
    ("line", "meant", "word"),
    [
        ("--partition=long", {}, "#GAVELQ --queue"),
        ("-p long", {}, "-p long: it is left out"),
        ("--qos=high", {}, "it has no counterpart here"),
        ("--exclusive", {}, "alone"),
        ("-N 1 -n 1", {}, "there is one machine"),
        ("--mail-type=END --mail-user=a@b", {}, "--mail-user=a@b: it is left out"),
        ("--gpuz=2", {}, "neither sbatch nor gavelq knows it (did you mean --gpus?)"),
        ("--plugin-of-our-site x", {}, "--plugin-of-our-site x: it is left out: neither"),
        ("--gres=gpu:a100:2", {"gpu_count": 2}, "the type a100 is left out"),
        ("--gpus=a100:2", {"gpu_count": 2}, "the type a100 is left out"),
        ("--gres=gpu:1,tmp:5G", {"gpu_count": 1}, "tmp:5G is left out"),
        ("--gres=tmp:5G", {}, "GPUs are all"),
        ("--time=0", {}, "it means no limit"),
        ("-t UNLIMITED", {}, "it means no limit"),
        ("-o %J.txt", {}, "%J means nothing here"),
        ("-o out_%a.txt", {"log": "out_0.txt"}, "there is no --array"),
        ("-o out_%3a.txt", {"log": "out_000.txt"}, "there is no --array"),
        ("-o a.txt -e b.txt", {"log": "a.txt"}, "--error=b.txt: it is left out: output and errors both go"),
        ("-e b.txt", {}, "--error=b.txt: it is left out"),
        ("--begin=tomorrow", {}, "it is left out"),
        ("-d singleton,afterok:3", {"after": "3"}, "singleton is left out, and nothing waits for it"),
        ("-d afterok:3+5", {}, "afterok:3+5 is left out"),
        ("-d afterok:1?afterok:2", {}, "no one of several"),
        ("--signal=USR1@60", {}, "it needs --time"),
        ("--export=NONE", {}, "NONE makes no difference"),
        ("-G 2 --gres=gpu:3", {"gpu_count": 3}, "it takes the place of the 2 GPU(s)"),
        ("-d afterok:1 -d afterany:2", {"after_any": "2"}, "it takes the place"),
    ],
)
def test_what_means_nothing_here_is_told_with_its_line(line: str, meant: dict[str, Any], word: str) -> None:
    found, notes = told("# text", f"#SBATCH {line}")
    assert found == meant
    assert all(note.startswith("run.sh:3: ") for note in notes)
    assert word in "\n".join(notes)


def test_a_long_comment_is_cut_with_a_word() -> None:
    found, (note,) = told(f"#SBATCH --comment={'x' * 100}")
    assert [len(tag) for tag in found["tag"]] == [64]
    assert "its end is left out" in note


def test_lines_behind_the_first_command_are_told_and_not_read() -> None:
    found = header("#SBATCH -J a", rest="srun x\n#SBATCH -J b\n#GAVELQ --what")
    assert found.under({}) == {"name": "a"}
    assert found.notes == ["run.sh:4: this line (and 1 more) is not read: the header ends at the first command"]


def test_comments_that_only_look_alike_are_none_of_ours() -> None:
    assert asked("##SBATCH -J a", "# SBATCH -J b", "#SBATCHED", "#SBATCH", "#sbatch -J c", "#GAVELQ_HOME=/x") == {}


# --- what cannot be understood ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--gres=gpu:two:x", "gpu:NUMBER"),
        ("--gpus=two", "is not a number of GPUs"),
        ("--gpus=2000", "2000 is not in the range"),
        ("--time=soon", "'soon' is not a time limit"),
        ("--time", "--time needs a value"),
        ("-J", "--job-name needs a value"),
        ("--hold=yes", "--hold takes no value"),
        ("-J fit extra", "'extra' is no option"),
        ("--array=3-1", "array: the range 3-1 ends before it begins"),
        ("--dependency=12", "is not a dependency, such as afterok:12:13"),
        ("--dependency=afterok:me", "names no tasks by their ids"),
        ("--mem=lots", "'lots' is not an amount of memory"),
        ("-c many", "'many' is not a number of CPUs"),
        ("--begin=whenever", "is not a time"),
        ("--signal=USR1@soon", "is not SIGNAL@SECONDS"),
        ("--signal=NOSUCH@60 -t 5", "warn: "),
        ("-J 'fit", "no closing quotation"),
    ],
)
def test_a_line_of_sbatch_that_cannot_be_understood_is_refused(line: str, word: str) -> None:
    message = refused("# text", f"#SBATCH {line}")
    assert message.startswith("run.sh:3: ")
    assert word in message


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--time soon", "time: 'soon' is not a duration"),
        ("--memory lots", "memory: "),
        ("--array 3-1", "array: the range 3-1"),
        ("--queue a/b", "queue: "),
        ("--gpus 0,,1", "gpus"),
        ("--env SEED", "'SEED' is not NAME=VALUE"),
        ("--param lr", "'lr' is not NAME=VALUE,VALUE"),
        ("--retries some", "retries: "),
        ("--after me", "after: "),
        ("--gres=gpu:2", "no such option '--gres'"),
    ],
)
def test_a_value_of_our_own_that_no_task_can_have_is_refused_with_its_line(line: str, word: str) -> None:
    message = refused("#GAVELQ --name fit", f"#GAVELQ {line}")
    assert message.startswith(f"run.sh:3: '#GAVELQ {line}': ")
    assert word in message


# --- as a command ----------------------------------------------------------------------------------------


@pytest.fixture
def accepting(fake: FakeDaemon) -> FakeDaemon:
    fake.on("POST", "/api/tasks", Answer(status=201, document=task(12)))
    return fake


def test_variables_of_slurm_that_a_script_counts_on_are_told_once_each() -> None:
    script = (
        "#SBATCH -G 1\n# $SLURM_NODELIST\npython a.py $SLURM_ARRAY_TASK_ID ${SLURM_NTASKS:-1}\necho $SLURM_NTASKS\n"
    )
    assert read_header(script, "run.sh").notes == [
        "run.sh:3: $SLURM_ARRAY_TASK_ID is not set here; GAVELQ_ARRAY_INDEX is",
        "run.sh:3: $SLURM_NTASKS is not set here",
    ]


LINES = "#!/bin/bash\n#SBATCH -J fit -G 2 --mem=16G\n#SBATCH --partition=long -o out/%x-%j.txt\ntrue\n"


def test_the_whole_header_is_submitted_and_every_odd_line_is_told(shell: Shell, accepting: FakeDaemon) -> None:
    (shell.workdir / "run.sh").write_text(LINES)
    done = shell.run("submit", "script", "--file", "run.sh")
    assert done.returncode == 0
    sent = accepting.last().body
    assert (sent["name"], sent["gpu_count"], sent["tags"]) == ("fit", 2, ["mem=16G"])
    assert sent["log_path"] == str(shell.workdir / "out/{name}-{id}.txt")
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == ["run.sh:2", "run.sh:3"]


def test_warnings_leave_json_alone(shell: Shell, accepting: FakeDaemon) -> None:
    (shell.workdir / "run.sh").write_text(LINES)
    done = shell.run("submit", "script", "--file", "run.sh", "-o", "json")
    assert json.loads(done.stdout) == task(12)
    assert "run.sh:2: " in done.stderr
    accepting.on("POST", "/api/tasks", problem(422, "infeasible", "2 GPUs are more than 1", "ask for less"))
    refusal = json.loads(shell.run("submit", "script", "--file", "run.sh", "-o", "json").stderr)
    assert refusal["error"]["code"] == "infeasible"


def test_other_forms_of_submit_read_no_header(shell: Shell, accepting: FakeDaemon) -> None:
    for words in (("submit", "#SBATCH -G 2"), ("submit", "command", "--cmd", "#SBATCH -G 2")):
        done = shell.run(*words, "--log", "%j.txt")
        assert (done.returncode, done.stderr) == (0, "")
        assert "gpu_count" not in accepting.last().body
        assert accepting.last().body["log_path"] == str(shell.workdir / "%j.txt")

"""Logs in the Standard Workload Format."""

import gzip
from pathlib import Path

import pytest

from gavelq.core.errors import InvalidFile, NotFound
from gavelq.sim.readers import read_trace

HEAD = "; Version: 2.2\n;  Computer: Toy of M\xfcller\n;\n; MaxProcs: 16\n"
FULL = "7 60 5 100 4 -1 -1 8 200 -1 1 3 1 1 1 -1 -1 -1\n"


def written(tmp_path: Path, text: str, name: str = "toy.swf") -> str:
    path = tmp_path / name
    content = text.encode("latin-1")
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return str(path)


@pytest.mark.parametrize("name", ["toy.swf", "toy.swf.gz", "TOY.SWF"])
def test_a_line_is_a_job(tmp_path: Path, name: str) -> None:
    trace = read_trace(written(tmp_path, HEAD + FULL, name))
    (job,) = trace.jobs
    assert (job.job_id, job.submit_s, job.duration_s, job.gpus) == ("7", 0, 100, 4)
    assert (job.limit_s, job.user, job.tenant, job.waited_s, job.memory_mib) == (200, "3", "3", 5, None)


def test_comments_are_kept_as_notes_in_any_encoding(tmp_path: Path) -> None:
    trace = read_trace(written(tmp_path, HEAD + FULL))
    assert trace.notes == ("Version: 2.2", "Computer: Toy of M\xfcller", "MaxProcs: 16")
    many = "".join(f"; remark {n}\n" for n in range(150))
    assert "50 more line(s) of comments" in read_trace(written(tmp_path, many + FULL)).notes


def test_what_is_unknown_is_left_open(tmp_path: Path) -> None:
    (job,) = read_trace(written(tmp_path, "1 0 -1 10 -1 -1 -1 2 -1 -1 -1 -1 -1 -1 -1 -1 -1 -1\n")).jobs
    assert (job.gpus, job.limit_s, job.user, job.tenant, job.waited_s) == (2, None, "", "everybody", None)


def test_jobs_that_never_ran_and_parts_of_jobs_are_left_out_and_counted(tmp_path: Path) -> None:
    never = "2 0 9 -1 -1 -1 -1 2 100 -1 5 4 1 1 1 -1 -1 -1\n"
    parts = "".join(f"3 0 0 50 2 -1 -1 2 100 -1 {status} 4 1 1 1 -1 -1 -1\n" for status in (2, 3, 4))
    trace = read_trace(written(tmp_path, never + parts + FULL))
    assert [job.job_id for job in trace.jobs] == ["7"]
    assert [job.row for job in trace.jobs] == [4], "draws go by the line, whatever was left out"
    assert sorted(note[:9] for note in trace.notes) == ["1 job(s) ", "3 line(s)"]


def test_jobs_are_put_in_the_order_of_their_submission(tmp_path: Path) -> None:
    lines = [FULL.replace("7 60", f"{number} {at}") for number, at in ((1, 30), (2, 10), (3, 30), (4, 0))]
    assert [job.job_id for job in read_trace(written(tmp_path, "".join(lines))).jobs] == ["4", "2", "1", "3"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("1 2 3", "a job has 18 fields, here are 3"),
        (FULL.replace("100", "soon"), "field 4 (run time): 'soon' is no number"),
        (FULL.replace("100", "nan"), "field 4 (run time): 'nan' is no number"),
        (FULL.replace("100 4", "100 2.5"), "processors: 2.5 is no whole number"),
        (FULL.replace("100 4", "100 99999999"), "processors: 1e+08 is no whole number"),
        (FULL.replace("7 60", "7 -1"), "submit time is unknown (-1)"),
        ("1 " * 9000, "the line has more than 10000 characters"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, told: str) -> None:
    path = written(tmp_path, HEAD + FULL + line)
    with pytest.raises(InvalidFile) as refused:
        read_trace(path)
    assert refused.value.message.startswith(f"{path}:6: {told}")


def test_a_log_that_was_cut_off_while_packed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "toy.swf.gz"
    path.write_bytes(gzip.compress((FULL * 5000).encode())[:-20])
    with pytest.raises(InvalidFile, match="cannot be unpacked"):
        read_trace(str(path))
    with pytest.raises(NotFound):
        read_trace(str(tmp_path / "none.swf"))

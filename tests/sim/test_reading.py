"""Traces and machines as people write them."""

import gzip
import os
from pathlib import Path

import pytest

from gavelq.core.errors import InvalidField, InvalidFile, NotFound
from gavelq.sim.machine import parse_machine
from gavelq.sim.readers import read_trace

HEADER = "job_id,submit_s,duration_s,gpus,user,limit_s"


def written(where: Path, *lines: str) -> str:
    path = where / "some.csv"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_a_csv_file_is_read_whole_with_what_it_leaves_empty(tmp_path: Path) -> None:
    found = read_trace(written(tmp_path, HEADER, "a,10,60,2,ada,120", "b,5,30,1,,"))
    assert found.name == "some"
    b, a = found.jobs
    assert (b.job_id, b.row, b.submit_s, b.duration_s, b.gpus, b.limit_s) == ("b", 1, 0, 30, 1, None)
    assert (a.submit_s, a.user, a.tenant, a.limit_s) == (5, "ada", "ada", 120), "times go from the first submission on"


def test_a_compressed_file_is_known_by_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "some.trace"
    path.write_bytes(gzip.compress(b"gpus,duration_s,submit_s\n1,2,3\n1,2,7\n"))
    first, second = read_trace(str(path)).jobs
    assert (first.job_id, first.submit_s, first.duration_s, second.submit_s) == ("1", 0, 2, 4)


def test_what_spreadsheets_write_is_understood(tmp_path: Path) -> None:
    """A mark of the byte order, line ends of two characters, blanks, a comma too many, the cells in quotes."""
    path = tmp_path / "sheet.csv"
    path.write_bytes(b'\xef\xbb\xbfsubmit_s, duration_s ,gpus,\r\n0, 60 ,2,\r\n\r\n"9",30,1\r\n')
    found = read_trace(str(path))
    assert [(one.row, one.submit_s, one.duration_s, one.gpus) for one in found.jobs] == [(0, 0, 60, 2), (1, 9, 30, 1)]
    assert found.notes == ()


@pytest.mark.parametrize("packed", [False, True])
def test_a_trace_may_come_through_a_pipe(packed: bool) -> None:
    ours, theirs = os.pipe()
    content = b"submit_s,duration_s,gpus\n0,60,2\n"
    os.write(theirs, gzip.compress(content) if packed else content)
    os.close(theirs)
    with open(ours):
        assert [one.gpus for one in read_trace(f"/dev/fd/{ours}").jobs] == [2]


def test_further_columns_say_more_of_a_job(tmp_path: Path) -> None:
    header = "submit_s,duration_s,gpus,memory_mib,utilization,max_gpus,tenant,user,waited_s"
    (only,) = read_trace(written(tmp_path, header, "0,1,2,8000,55.5,4,lab,ada,12")).jobs
    assert (only.memory_mib, only.utilization, only.max_gpus, only.tenant, only.waited_s) == (8000, 55.5, 4, "lab", 12)


def test_jobs_without_a_gpu_are_left_out_and_keep_their_rows(tmp_path: Path) -> None:
    found = read_trace(written(tmp_path, HEADER, "a,0,60,0,,", "b,5,30,1,,"))
    assert [one.row for one in found.jobs] == [1]
    assert found.notes == ("1 job(s) ask for no GPU and were left out",)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((HEADER, "a,0,60,1,,", "b,x,30,1,,"), "some.csv:3: submit_s: 'x' is no number"),
        ((HEADER, "a,-5,60,1,,"), "some.csv:2: submit_s"),
        ((HEADER, "a,0,,1,,"), "some.csv:2: duration_s is empty"),
        ((HEADER, "a,0,nan,1,,"), "some.csv:2: duration_s"),
        ((HEADER, "a,0,1,1.5,,"), "some.csv:2: gpus: 1.5 is no whole number"),
        ((HEADER + ",max_gpus", "a,0,1,4,,,2"), "some.csv:2: max_gpus is 2, less than gpus"),
        ((HEADER, "a,0,60,1,,", "", "b,0,60,1,,,7"), "some.csv:4: here are 7 cells, and the header names 6 columns"),
        (("gpus,submit_s,gpus,duration_s", "1,0,2,5"), "some.csv:1: the header names gpus twice"),
        (("submit_s;duration_s;gpus", "0;5;1"), "some.csv:1: its cells are divided by ';'"),
        ((HEADER, "a,0,60,1,,", "x" * 20_000), "some.csv:3: it is no CSV from here on: the line has more than 10000"),
        (("job,when", "1,2"), "some.csv:1: the header lacks submit_s, duration_s, gpus"),
        (("",), "some.csv:1: the header lacks"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(InvalidFile, match=said.replace("(", r"\(")):
        read_trace(written(tmp_path, *lines))


def test_a_file_that_is_no_text_is_told_as_one(tmp_path: Path) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(b"\xff\xfe\x00\x01" * 20)
    with pytest.raises(InvalidFile, match=r"odd\.csv"):
        read_trace(str(path))
    path.write_bytes(gzip.compress(b"submit_s,duration_s,gpus\n1,2,3\n")[:-9])
    with pytest.raises(InvalidFile, match=r"odd\.csv:\d+: it is no CSV from here on"):
        read_trace(str(path))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.csv"):
        read_trace(str(tmp_path / "none.csv"))
    with pytest.raises(NotFound):
        read_trace(str(tmp_path))


def test_machines_are_counts_or_kinds_of_cards() -> None:
    assert parse_machine("3").n_gpus == 3
    mixed = parse_machine("2x24GiB, 1x80GiB")
    assert [gpu.memory for gpu in mixed.gpus] == [24576, 24576, 81920]
    assert (mixed.widest(), mixed.widest(50_000)) == (3, 1)
    assert parse_machine("4x80GiB", nodes=3).nodes == (4, 4, 4)
    assert [gpu.memory for gpu in parse_machine("2 x 24, 48 GiB").gpus] == [24576, 24576, 49152]


@pytest.mark.parametrize(
    "written", ["", "0", "x24GiB", "two", "8x", "8x0GiB", "-3", "99999", "4xfast", "1e3", "16.5", "8x-24GiB", "٣"]
)
def test_what_is_no_machine_is_refused_with_an_example(written: str) -> None:
    with pytest.raises(InvalidField, match="gpus: ") as refused:
        parse_machine(written)
    assert "16" in refused.value.hint or "1 to 4096" in refused.value.hint

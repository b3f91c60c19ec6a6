"""docs/rest.md names every route, every field of an answer and every option of a queue.

(That it names the fields of a task request is tested beside their readers, in tests/formats.)
"""

import re
import typing
from pathlib import Path

import pytest

from gavelq.client import shapes
from gavelq.core.queue_options import OPTION_NAMES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "rest.md").read_text()
ANSWERS = (
    shapes.Task, shapes.TaskDetails, shapes.Attempt, shapes.Event, shapes.Node, shapes.Learned, shapes.Dependency,
    shapes.Submission, shapes.SubmissionDone, shapes.Gpu, shapes.GpuProcess, shapes.Queue, shapes.Daemon, shapes.Status,
    shapes.Explanation, shapes.Gate, shapes.CardVerdict, shapes.Change, shapes.Error, shapes.Retry,
    shapes.Setting, shapes.DescribedSetting, shapes.ConfigChange, shapes.SettingChange, shapes.ConfigDone,
    shapes.StoredFile, shapes.StoredText, shapes.DeletedFile, shapes.CheckedText, shapes.CommandTask,
    shapes.FileMistake,
    shapes.Binding, shapes.Bound, shapes.Bindings, shapes.LogPart, shapes.BoundLogPart,
    shapes.User, shapes.Tenant, shapes.Quota, shapes.TenantUse, shapes.Token, shapes.NewToken, shapes.Act,
    shapes.Scheduler, shapes.SchedulerQueue, shapes.SchedulerProcess, shapes.StoppedRun, shapes.RunDifference,
    shapes.QueueDifference, shapes.AddedTask, shapes.RemovedTask, shapes.MovedTask, shapes.StartedTask,
    shapes.StartOptions,
)  # fmt: skip


def routes_in_code() -> set[str]:
    found = set()
    for path in (ROOT / "src" / "gavelq" / "api" / "routes").glob("*.py"):
        for method, route in re.findall(r'@routes\.(get|post|patch|put|delete)\(\s*"([^"]*)"', path.read_text()):
            found.add(f"{method.upper()} {re.sub(r'{[^}]*}', '{}', route)}")
    return found


def routes_on_page() -> set[str]:
    rows = re.findall(r"^\| `(GET|POST|PATCH|PUT|DELETE) ([^`]*)` \|", PAGE, re.MULTILINE)
    return {f"{method} {re.sub(r'{[^}]*}', '{}', route)}" for method, route in rows}


def words(text: str) -> set[str]:
    """Everything that stands between backquotes, and names in quotes within."""
    quoted = re.findall(r"```.+?```|`[^`]+`", text, re.DOTALL)
    return {word for part in quoted for word in re.findall(r"\w+", part)}


def test_every_route_stands_on_the_page_and_no_other() -> None:
    assert routes_on_page() == routes_in_code()


@pytest.mark.parametrize("shape", ANSWERS, ids=lambda shape: str(shape.__name__))
def test_every_field_of_an_answer_stands_on_the_page(shape: type) -> None:
    assert set(typing.get_type_hints(shape)) - words(PAGE) == set()


def test_every_option_of_a_queue_stands_on_the_page() -> None:
    assert set(OPTION_NAMES) - words(PAGE) == set()

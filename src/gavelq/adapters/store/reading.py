"""What is read: everything at start, and pages of history later."""

import sqlite3
from collections.abc import Collection, Sequence

from gavelq.adapters.store.facts import facts_of, reservation_of
from gavelq.adapters.store.rows import TaskReader, attempt_of, card_of, key_of, queue_of, record_of, to_json
from gavelq.adapters.store.statements import queries
from gavelq.core.command_files import FileId
from gavelq.core.ids import SubmissionId, TaskId
from gavelq.core.lifecycle import TaskState
from gavelq.core.step import Record
from gavelq.core.task import Attempt, Task
from gavelq.core.tenants import TokenId
from gavelq.ports import Loaded, Numbered, TaskFilter

MAX_PAGE = 100_000
_ABOVE_ALL = (1 << 63) - 1


def load(connection: sqlite3.Connection) -> Loaded:
    """Everything that a start needs, in one consistent look. Raises RowError."""
    sql = queries()
    connection.execute("BEGIN")
    try:
        counters = dict(connection.execute(sql["counters"]))
        last_task, last_submission = connection.execute(sql["last_ids"]).fetchone()
        facts = facts_of(connection.execute(sql["facts"]))
        return Loaded(
            tasks=TaskReader().tasks(connection.execute(sql["live_tasks"])),
            queues=[queue_of(text) for (text,) in connection.execute(sql["queues"])],
            cards=[card_of(text) for (text,) in connection.execute(sql["cards"])],
            reservations={domain: reservation_of(text) for domain, text in connection.execute(sql["reservations"])},
            learned=facts.learned,
            shares=facts.shares,
            streaks=facts.streaks,
            files=facts.files,
            runs=facts.runs,
            bindings=facts.bindings,
            tenants=facts.tenants,
            retired=facts.retired,
            tokens=facts.tokens,
            hours=facts.hours,
            alerts=facts.alerts,
            mutes=facts.mutes,
            outbox=facts.outbox,
            keys=[key_of(row) for row in connection.execute(sql["keys"])],
            next_task_id=TaskId(max(counters.get("task", 1), last_task + 1)),
            next_submission_id=SubmissionId(max(counters.get("submission", 1), last_submission + 1)),
            next_token_id=TokenId(max([counters.get("token", 1), *(number + 1 for number in facts.tokens)])),
            next_file_id=FileId(max([counters.get("file", 1), *(number + 1 for number in facts.files)])),
        )
    finally:
        connection.execute("COMMIT")


def task(connection: sqlite3.Connection, task_id: int) -> Task | None:
    """One task. Raises RowError."""
    row = connection.execute(queries()["task"], (task_id,)).fetchone()
    return None if row is None else TaskReader().task(row)


def tasks(connection: sqlite3.Connection, wanted: TaskFilter) -> list[Task]:
    """A page of tasks, ascending by id. Raises RowError."""
    limit = max(0, min(wanted.limit, MAX_PAGE))
    reader = TaskReader()
    found: list[Task] = []
    # One ordered walk of an index for each state: sorting all ended tasks for one page would cost more.
    # Those of a tenant are indexed by state.
    anyhow = (None,) if wanted.tenant is None else tuple(state.value for state in TaskState)
    for state in wanted.states or anyhow:
        statement, arguments = _page(wanted, state, limit)
        found += reader.tasks(connection.execute(statement, arguments))
    found.sort(key=lambda task: task.id)
    return found[max(0, len(found) - limit) :] if wanted.newest else found[:limit]


def _page(wanted: TaskFilter, state: str | None, limit: int) -> tuple[str, dict[str, object]]:
    conditions = {
        "id > :after": wanted.after_id,
        "id < :before": wanted.before_id,
        "state = :state": state,
        "queue = :queue": wanted.queue,
        "submission_id = :submission": wanted.submission_id,
        "tenant = :tenant": wanted.tenant,
        "id IN (SELECT value FROM json_each(:ids))": None if wanted.ids is None else to_json(list(wanted.ids)),
    }
    given = {condition: value for condition, value in conditions.items() if value is not None}
    arguments = {condition.rpartition(":")[2].rstrip(")"): value for condition, value in given.items()}
    statement = queries()["tasks_page"].format(
        conditions=" AND ".join(given), direction="DESC" if wanted.newest else "ASC"
    )
    return statement, {**arguments, "limit": limit}


def counts(
    connection: sqlite3.Connection, submission_id: int | None = None, tenant: str | None = None
) -> dict[str, int]:
    """How many tasks (of a submission, of a tenant) are in each state."""
    if tenant is not None and submission_id is not None:
        return dict(connection.execute(queries()["task_counts_of_a_tenant_s_part"], (submission_id, tenant)))
    if tenant is not None:
        return dict(connection.execute(queries()["task_counts_of_a_tenant"], (tenant,)))
    if submission_id is None:
        return dict(connection.execute(queries()["task_counts"]))
    return dict(connection.execute(queries()["task_counts_of_a_submission"], (submission_id,)))


def submissions(connection: sqlite3.Connection, wanted: TaskFilter) -> list[int]:
    """A page of submissions, ascending by number."""
    statement = queries()["submissions_page"].format(direction="DESC" if wanted.newest else "ASC")
    arguments = {
        "after": wanted.after_id, "before": wanted.before_id, "tenant": wanted.tenant,
        "limit": max(0, min(wanted.limit, MAX_PAGE)),
    }  # fmt: skip
    return sorted(number for (number,) in connection.execute(statement, arguments))


def blob(connection: sqlite3.Connection, key: str) -> bytes:
    """A blob. Raises KeyError."""
    row = connection.execute(queries()["blob"], (key,)).fetchone()
    if row is None:
        raise KeyError(key)
    return bytes(row[0])


def attempts(connection: sqlite3.Connection, task_id: int, limit: int | None, before: int | None) -> list[Attempt]:
    """The newest attempts of a task, oldest first. Raises RowError."""
    most = -1 if limit is None else max(0, limit)  # negative: SQLite sets no limit
    rows = connection.execute(queries()["attempts"], (task_id, before, most)).fetchall()
    return [attempt_of(text) for (text,) in reversed(rows)]


def records(connection: sqlite3.Connection, task_id: int | None, limit: int) -> Sequence[Record]:
    """The last records, oldest first. Raises RowError."""
    limit = max(0, min(limit, MAX_PAGE))
    if task_id is None:
        rows = connection.execute(queries()["last_records"], (limit,)).fetchall()
    else:
        rows = connection.execute(queries()["last_records_of_a_task"], (task_id, limit)).fetchall()
    return [record_of(row) for row in reversed(rows)]


def acts(
    connection: sqlite3.Connection, kinds: Collection[str], since: float, before: int | None, limit: int
) -> Sequence[Numbered]:
    """The last records of these kinds that are about no task, oldest first. Raises RowError."""
    limit, below = max(0, min(limit, MAX_PAGE)), _ABOVE_ALL if before is None else before
    rows = connection.execute(queries()["last_acts"], (since, below, to_json(sorted(kinds)), limit)).fetchall()
    return [Numbered(id=number, record=record_of(rest), tenant=None) for number, *rest in reversed(rows)]


def records_after(connection: sqlite3.Connection, after: int, limit: int) -> Sequence[Numbered]:
    """The first records behind an id, oldest first. Raises RowError."""
    rows = connection.execute(queries()["records_after"], (after, max(0, min(limit, MAX_PAGE)))).fetchall()
    return [Numbered(id=number, record=record_of(rest), tenant=tenant) for number, *rest, tenant in rows]


def record_ids(connection: sqlite3.Connection) -> tuple[int, int]:
    """The first and the last id of the records; zeros where there are none."""
    first, last = connection.execute(queries()["record_ids"]).fetchone()
    return int(first), int(last)

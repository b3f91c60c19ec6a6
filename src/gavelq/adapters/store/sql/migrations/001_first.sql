-- The first schema. A task's row holds what listings select by, and two JSON documents: what was asked for
-- (`request`, the same text for tasks that ask for the same) and where it stands (`standing`).

CREATE TABLE tasks (
    id INTEGER PRIMARY KEY,
    submission_id INTEGER NOT NULL,
    state TEXT NOT NULL,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    submitted_at REAL NOT NULL,
    ended_at REAL,
    env TEXT NOT NULL,
    script TEXT,
    request TEXT NOT NULL,
    standing TEXT NOT NULL
);

CREATE INDEX tasks_by_state ON tasks (state, id);
CREATE INDEX tasks_by_queue ON tasks (queue, id);
CREATE INDEX tasks_by_submission ON tasks (submission_id, id);
CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_by_env ON tasks (env);
CREATE INDEX tasks_by_script ON tasks (script) WHERE script IS NOT NULL;
CREATE INDEX tasks_live ON tasks (id) WHERE ended_at IS NULL;

CREATE TABLE attempts (
    task_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;

CREATE TABLE queues (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cards (uuid TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE reservations (domain TEXT PRIMARY KEY, task_id INTEGER NOT NULL) WITHOUT ROWID;

-- `orphaned`: an earlier pruning found no task that refers to it; the next one deletes it.
CREATE TABLE blobs (key TEXT PRIMARY KEY, content BLOB NOT NULL, orphaned INTEGER NOT NULL DEFAULT 0);

CREATE TABLE keys (key TEXT PRIMARY KEY, at REAL NOT NULL, task_ids TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    task_id INTEGER,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);

CREATE INDEX records_of_a_task ON records (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX records_by_time ON records (at);

CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

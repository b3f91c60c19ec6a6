-- Every statement of the store, each after a line with its name.

-- name: put_task
INSERT INTO tasks (
    id, submission_id, state, queue, priority, submitted_at, ended_at, env, script, request, standing, tenant
)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    submission_id = excluded.submission_id, state = excluded.state, queue = excluded.queue,
    priority = excluded.priority, submitted_at = excluded.submitted_at, ended_at = excluded.ended_at,
    env = excluded.env, script = excluded.script, request = excluded.request, standing = excluded.standing,
    tenant = excluded.tenant

-- name: delete_task
DELETE FROM tasks WHERE id = ?

-- name: delete_attempts
DELETE FROM attempts WHERE task_id = ?

-- name: put_attempt
INSERT OR REPLACE INTO attempts (task_id, number, document) VALUES (?, ?, ?)

-- name: put_queue
INSERT OR REPLACE INTO queues (name, document) VALUES (?, ?)

-- name: delete_queue
DELETE FROM queues WHERE name = ?

-- name: put_card
INSERT OR REPLACE INTO cards (uuid, document) VALUES (?, ?)

-- name: delete_card
DELETE FROM cards WHERE uuid = ?

-- name: clear_reservations
DELETE FROM reservations

-- name: put_reservation
INSERT INTO reservations (domain, document) VALUES (?, ?)

-- name: put_fact
INSERT OR REPLACE INTO facts (kind, key, document) VALUES (?, ?, ?)

-- name: delete_fact
DELETE FROM facts WHERE kind = ? AND key = ?

-- name: put_blob
INSERT INTO blobs (key, content) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET orphaned = 0

-- name: put_key
INSERT OR REPLACE INTO keys (key, at, task_ids) VALUES (?, ?, ?)

-- name: put_record
INSERT INTO records (at, kind, actor, task_id, subject, details) VALUES (?, ?, ?, ?, ?, ?)

-- name: raise_counter
INSERT INTO counters (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)

-- name: live_tasks
SELECT id, submission_id, state, queue, priority, submitted_at, request, standing
FROM tasks WHERE ended_at IS NULL ORDER BY id

-- name: task
SELECT id, submission_id, state, queue, priority, submitted_at, request, standing FROM tasks WHERE id = ?

-- name: tasks_page
SELECT id, submission_id, state, queue, priority, submitted_at, request, standing FROM tasks
WHERE {conditions} ORDER BY id {direction} LIMIT :limit

-- name: task_counts
SELECT state, count(*) FROM tasks GROUP BY state

-- name: task_counts_of_a_submission
SELECT state, count(*) FROM tasks WHERE submission_id = ? GROUP BY state

-- name: task_counts_of_a_tenant_s_part
SELECT state, count(*) FROM tasks WHERE submission_id = ? AND tenant = ? GROUP BY state

-- name: task_counts_of_a_tenant
SELECT state, count(*) FROM tasks WHERE tenant = ? GROUP BY state

-- name: submissions_page
SELECT DISTINCT submission_id FROM tasks
WHERE submission_id > :after AND (:before IS NULL OR submission_id < :before) AND (:tenant IS NULL OR tenant = :tenant)
ORDER BY submission_id {direction} LIMIT :limit

-- name: last_ids
SELECT coalesce(max(id), 0), coalesce(max(submission_id), 0) FROM tasks

-- name: queues
SELECT document FROM queues ORDER BY name

-- name: cards
SELECT document FROM cards ORDER BY uuid

-- name: reservations
SELECT domain, document FROM reservations

-- name: facts
SELECT kind, key, document FROM facts

-- name: keys
SELECT key, at, task_ids FROM keys ORDER BY at

-- name: counters
SELECT name, value FROM counters

-- name: blob
SELECT content FROM blobs WHERE key = ?

-- name: attempts
SELECT document FROM attempts WHERE task_id = ? AND number < coalesce(?, 1 << 62) ORDER BY number DESC LIMIT ?

-- name: last_records
SELECT at, kind, actor, task_id, subject, details FROM records ORDER BY id DESC LIMIT ?

-- name: last_records_of_a_task
SELECT at, kind, actor, task_id, subject, details FROM records WHERE task_id = ? ORDER BY id DESC LIMIT ?

-- name: last_acts
SELECT id, at, kind, actor, task_id, subject, details FROM records
WHERE task_id IS NULL AND +at >= ? AND id < ? AND kind IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?

-- name: records_after
SELECT records.id, at, kind, actor, task_id, subject, details, tenant
FROM records LEFT JOIN tasks ON tasks.id = task_id
WHERE records.id > ? ORDER BY records.id LIMIT ?

-- name: record_ids
SELECT (SELECT coalesce(min(id), 0) FROM records), (SELECT coalesce(max(id), 0) FROM records)

-- name: usage_attempts
SELECT task_id, number, tenant, queue, state, submitted_at, ended_at, json_extract(document, '$.gpus'),
    json_extract(document, '$.placed_at'), json_extract(document, '$.result.ended_at'),
    json_extract(document, '$.utilization'),
    -- Hardly a request says so, and looking for the word costs less than reading the request.
    CASE WHEN number = 1 AND instr(request, '"not_before"') THEN json_extract(request, '$.not_before') END,
    -- What let it go after its submission, where it waited at all.
    CASE WHEN number = 1 AND json_extract(document, '$.placed_at') > submitted_at + 1 THEN (
        SELECT max(at) FROM records
        WHERE records.task_id = tasks.id AND kind IN ('released', 'dependency_met', 'lane_advanced')
        AND at <= json_extract(document, '$.placed_at')
    ) END
FROM tasks CROSS JOIN attempts ON task_id = tasks.id
WHERE (ended_at IS NULL OR ended_at >= :since) AND submitted_at < :until AND (:tenant IS NULL OR tenant = :tenant)

-- name: usage_ends
-- A quarter of an hour lies in one day, wherever: all clocks differ by quarters of an hour.
SELECT tenant, queue, state, min(ended_at), count(*) FROM tasks
WHERE ended_at >= :since AND ended_at < :until AND (:tenant IS NULL OR tenant = :tenant)
GROUP BY tenant, queue, state, CAST(ended_at / 900 AS INTEGER)

-- name: old_tasks
SELECT id, submission_id, state, queue, priority, submitted_at, request, standing
FROM tasks WHERE ended_at < ? ORDER BY ended_at LIMIT ?

-- name: delete_old_records
DELETE FROM records WHERE id IN (SELECT id FROM records WHERE at < ? LIMIT ?)
AND id < (SELECT max(id) FROM records) -- the last one stays, so that no id is given twice

-- name: delete_old_keys
DELETE FROM keys WHERE at < ?

-- name: delete_orphaned_blobs
DELETE FROM blobs WHERE orphaned = 1
AND NOT EXISTS (SELECT 1 FROM tasks WHERE env = blobs.key)
AND NOT EXISTS (SELECT 1 FROM tasks WHERE script = blobs.key)

-- name: mark_orphaned_blobs
UPDATE blobs SET orphaned = 1 WHERE orphaned = 0
AND NOT EXISTS (SELECT 1 FROM tasks WHERE env = blobs.key)
AND NOT EXISTS (SELECT 1 FROM tasks WHERE script = blobs.key)

-- name: unmark_used_blobs
UPDATE blobs SET orphaned = 0 WHERE orphaned = 1

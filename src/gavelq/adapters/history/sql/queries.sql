-- Every statement of the history, each after a line with its name; written as schema.sql is.

-- name: add
INSERT INTO $table (at, subject, [[$m_n, $m_total, $m_low, $m_high]])
VALUES (?, ?, [[?, ?, ?, ?]])
ON CONFLICT (at, subject) DO UPDATE SET [[
    $m_n = $m_n + excluded.$m_n, $m_total = $m_total + excluded.$m_total,
    $m_low = min(coalesce($m_low, excluded.$m_low), coalesce(excluded.$m_low, $m_low)),
    $m_high = max(coalesce($m_high, excluded.$m_high), coalesce(excluded.$m_high, $m_high))]]

-- name: add_total
INSERT INTO totals (at, subject, [[$m_n, $m_total, $m_low, $m_high]])
VALUES (?, ?, [[?, ?, ?, ?]])
ON CONFLICT (subject) DO UPDATE SET at = excluded.at, [[
    $m_n = $m_n + excluded.$m_n, $m_total = $m_total + excluded.$m_total,
    $m_low = min(coalesce($m_low, excluded.$m_low), coalesce(excluded.$m_low, $m_low)),
    $m_high = max(coalesce($m_high, excluded.$m_high), coalesce(excluded.$m_high, $m_high))]]

-- name: add_gpu
INSERT OR IGNORE INTO gpus (uuid) VALUES (?)

-- name: gpus
SELECT uuid, number FROM gpus

-- name: read
SELECT subject, at / :step * :step AS bucket,
    [[sum($m_n), sum($m_total), min($m_low), max($m_high)]]
FROM $table
WHERE at >= :start AND at < :end AND subject IN (SELECT value FROM json_each(:subjects))
GROUP BY subject, bucket

-- name: read_total
SELECT [[$m_n, $m_total, $m_low, $m_high]] FROM totals WHERE subject = ?

-- name: minutes
SELECT subject, at, n_tasks_high > 0 FROM gpu_60
WHERE at > :start - 60 AND at < :end AND (
    (n_tasks_high > 0 AND utilization_percent_n > 0
        AND utilization_percent_total < utilization_percent_n * :idle_tenths)
    OR (n_tasks_high = 0 AND foreign_memory_mib_high > 0)
)
ORDER BY at

-- name: first_minute
SELECT min(at) FROM gpu_60

-- name: prune
DELETE FROM $table WHERE at < ?

-- name: prune_totals
DELETE FROM totals WHERE at < ?

-- name: oldest
SELECT min(at) FROM $table

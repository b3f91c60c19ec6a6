-- One table for each kind and level ($table), with a row for each subject and span of time. What stands between
-- [[ and ]] is repeated for each measure ($m). Amounts are whole tenths; where nothing is known, n is 0.

-- name: subjects
CREATE TABLE gpus (number INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE)

-- name: series
CREATE TABLE $table (
    at INTEGER NOT NULL,
    subject INTEGER NOT NULL,
    [[$m_n INTEGER NOT NULL, $m_total INTEGER NOT NULL, $m_low INTEGER, $m_high INTEGER]],
    PRIMARY KEY (at, subject)
) WITHOUT ROWID

-- name: totals
CREATE TABLE totals (
    subject INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    [[$m_n INTEGER NOT NULL, $m_total INTEGER NOT NULL, $m_low INTEGER, $m_high INTEGER]]
)

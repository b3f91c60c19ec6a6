-- A reservation says which cards and when. Facts are small and outlive tasks: what ended ones taught, what tenants had.

CREATE TABLE promises (domain TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO promises (domain, document) SELECT domain, '{"task_id":' || task_id || '}' FROM reservations;
DROP TABLE reservations;
ALTER TABLE promises RENAME TO reservations;

CREATE TABLE facts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;

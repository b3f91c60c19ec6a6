BEGIN TRANSACTION;
CREATE TABLE attempts (
    task_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
CREATE TABLE blobs (key TEXT PRIMARY KEY, content BLOB NOT NULL, orphaned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE cards (uuid TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cards" VALUES('GPU-1','{"uuid":"GPU-1","index":"0:1","name":"A100","memory_total":40960,"parent":"GPU-0","queue":"q","ignored":true,"draining":true,"lost":true,"label":"l","keep_free":5,"configured":"{}"}');
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
CREATE TABLE keys (key TEXT PRIMARY KEY, at REAL NOT NULL, task_ids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE queues (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "queues" VALUES('q','{"name":"q","hold":true,"paused":true,"pool":false,"priority":9,"max_running":1,"max_gpus":2,"max_util":30,"mem_type":"percentage","mem_value":40}');
CREATE TABLE records (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    task_id INTEGER,
    subject TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE TABLE "reservations" (domain TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
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
INSERT INTO "tasks" VALUES(1,1,'cancelled','other',9,1001.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"shell":{"lines":["echo ''\u00e4\n\u2028''","true"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"allowed":["GPU-1"],"memory":8192,"max_util":20,"share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true}','{"log_path":"/logs/1.log","is_held_by_user":true,"retry_at":9.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"}},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}');
INSERT INTO "tasks" VALUES(2,1,'cancelled','other',9,1002.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"argv":{"argv":["python3","-c","print(1)"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"allowed":["GPU-1"],"memory":8192,"max_util":20,"share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true}','{"log_path":"/logs/2.log","is_held_by_user":true,"retry_at":9.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"}},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}');
INSERT INTO "tasks" VALUES(3,1,'cancelled','other',9,1003.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss','{"command":{"script":{"name":"a.py","blob":"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss","interpreter":["python3"],"args":["1"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"allowed":["GPU-1"],"memory":8192,"max_util":20,"share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true}','{"log_path":"/logs/3.log","is_held_by_user":true,"retry_at":9.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"}},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}');
INSERT INTO "tasks" VALUES(4,1,'pending','running',0,1004.0,NULL,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"shell":{"lines":["echo ''\u00e4\n\u2028''","true"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","queue":"running","tenant":"x"}','{"log_path":"/logs/4.log"}');
CREATE INDEX tasks_by_state ON tasks (state, id);
CREATE INDEX tasks_by_queue ON tasks (queue, id);
CREATE INDEX tasks_by_submission ON tasks (submission_id, id);
CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_by_env ON tasks (env);
CREATE INDEX tasks_by_script ON tasks (script) WHERE script IS NOT NULL;
CREATE INDEX tasks_live ON tasks (id) WHERE ended_at IS NULL;
CREATE INDEX records_of_a_task ON records (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX records_by_time ON records (at);
COMMIT;

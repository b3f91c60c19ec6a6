BEGIN TRANSACTION;
CREATE TABLE attempts (
    task_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (task_id, number)
) WITHOUT ROWID;
INSERT INTO "attempts" VALUES(1,1,'{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"},"reason":"gpu_lost","log_path":"/logs/1.log","peak_memory":9318,"utilization":62.5,"borrowed":true,"isolation":"watched","violations":[{"kind":"memory","gpu":"GPU-1","index":"0","pid":77,"memory":9318,"declared":8192,"at":3.25}]}');
CREATE TABLE blobs (key TEXT PRIMARY KEY, content BLOB NOT NULL, orphaned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE cards (uuid TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "cards" VALUES('GPU-1','{"uuid":"GPU-1","index":"0:1","name":"A100","memory_total":40960,"parent":"GPU-0","queue":"q","ignored":true,"draining":true,"lost":true,"label":"l","keep_free":5,"fault":"Xid 79","fault_at":7.5,"configured":"{}"}');
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE facts (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (kind, key)
) WITHOUT ROWID;
INSERT INTO "facts" VALUES('binding','3:2:a:b','{"key":{"file":3,"queue_id":"a:b","process_index":2},"path":"/w/x.log","at":1.5,"by":"me"}');
INSERT INTO "facts" VALUES('file','3','{"id":3,"tenant":"me","mode":"multi","place":1,"name":"n\u00e4chste","content":"1\ntrue\n2\n20\n","saved":"old","version":7,"modified_at":5.5,"modified_by":"you","workdir":"/w","env":[["A","1"],["B","\u00e4=2"]]}');
INSERT INTO "facts" VALUES('hour','480:a:b','12.5');
INSERT INTO "facts" VALUES('learned','x/t','{"n_ends":3,"run_times_s":[60.0,61.5],"peaks":[9318,9001],"utilization":62.5,"at":1500.5}');
INSERT INTO "facts" VALUES('run','4','{"submission":4,"mode":"single","file":3,"name":"n","content":"1\ntrue\n2\n","tenant":"me","by":"you","started_at":9.25,"seed":17,"work_dir":"/w","options":"{\"queue\": \"q\"}","owners":[[4,2],[9,1],[2,1]]}');
INSERT INTO "facts" VALUES('share','x','{"gpu_s":7200.25,"at":1500.5}');
INSERT INTO "facts" VALUES('streak','1','4');
INSERT INTO "facts" VALUES('tenant','x','{"name":"x","role":"viewer","quota":{"max_gpus":2,"max_memory":4096,"max_running":3,"max_queued":4,"gpu_hours":1.5,"window_s":86400.0,"max_priority":5,"max_time_limit_s":60.5,"queues":["q"],"gpus":["GPU-1"]},"weight":2.5,"uid":1001,"isolation":"device","enforce":true,"password":"$argon2id$x","description":"\u00e4","created_at":3.5}');
INSERT INTO "facts" VALUES('token','5','{"id":5,"tenant":"x","hash":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","prefix":"gvq_ab","scopes":["read"],"name":"n","created_at":1.5,"created_by":"me","expires_at":9.5,"used_at":2.5}');
CREATE TABLE keys (key TEXT PRIMARY KEY, at REAL NOT NULL, task_ids TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE queues (name TEXT PRIMARY KEY, document TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO "queues" VALUES('q','{"name":"q","hold":true,"paused":true,"pool":false,"priority":9,"max_running":1,"max_gpus":2,"max_util":30,"mem_type":"percentage","mem_value":40,"lend":true,"retry":{"retries":-1,"backoff":{"first_s":1.5,"factor":3.0,"cap_s":100.0},"burst":3,"on":["time_limit"],"on_gpu_oom":{"is_exclusive":true}},"time_limit_s":7200.0,"max_time_limit_s":86400.5}');
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
INSERT INTO "reservations" VALUES('pool','{"task_id":4,"gpus":["GPU-1","MIG-2"],"expected_at":50.5,"promised_at":40.5,"is_preempting":true}');
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
, tenant TEXT NOT NULL DEFAULT '');
INSERT INTO "tasks" VALUES(1,1,'cancelled','other',9,1001.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"shell":{"lines":["echo ''\u00e4\n\u2028''","true"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"max_count":4,"gpu_left":1,"allowed":["GPU-1"],"memory":8192,"max_util":20,"selection":"first","share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true,"warn":{"signal":10,"before_s":30.5},"retry":{"retries":7,"backoff":{"first_s":30.5,"factor":1.5,"cap_s":300.0},"burst":3,"on":["nccl_error","gpu_lost"],"on_gpu_oom":{"factor":1.5}},"depends_on":[{"task_id":90},{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"not_before":900.5,"preemptible":true,"is_named":true,"learn_memory":true,"array_index":3,"max_parallel":2,"params":[["lr",".1"],["bs","32"]],"lane":{"lane":"car","at":2,"rank":3,"is_strict":true},"isolation":"device","mps_percent":40}','{"log_path":"/logs/1.log","is_held_by_user":true,"hold_reason":"why it is held","retry_at":9.5,"n_failures":2,"waits_for":[{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"behind":6,"renewed_at":8.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"},"reason":"gpu_lost","log_path":"/logs/1.log","peak_memory":9318,"utilization":62.5,"borrowed":true,"isolation":"watched","violations":[{"kind":"memory","gpu":"GPU-1","index":"0","pid":77,"memory":9318,"declared":8192,"at":3.25}]},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}','x');
INSERT INTO "tasks" VALUES(2,1,'cancelled','other',9,1002.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"argv":{"argv":["python3","-c","print(1)"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"max_count":4,"gpu_left":1,"allowed":["GPU-1"],"memory":8192,"max_util":20,"selection":"first","share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true,"warn":{"signal":10,"before_s":30.5},"retry":{"retries":7,"backoff":{"first_s":30.5,"factor":1.5,"cap_s":300.0},"burst":3,"on":["nccl_error","gpu_lost"],"on_gpu_oom":{"factor":1.5}},"depends_on":[{"task_id":90},{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"not_before":900.5,"preemptible":true,"is_named":true,"learn_memory":true,"array_index":3,"max_parallel":2,"params":[["lr",".1"],["bs","32"]],"lane":{"lane":"car","at":2,"rank":3,"is_strict":true},"isolation":"device","mps_percent":40}','{"log_path":"/logs/2.log","is_held_by_user":true,"hold_reason":"why it is held","retry_at":9.5,"n_failures":2,"waits_for":[{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"behind":6,"renewed_at":8.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"},"reason":"gpu_lost","log_path":"/logs/1.log","peak_memory":9318,"utilization":62.5,"borrowed":true,"isolation":"watched","violations":[{"kind":"memory","gpu":"GPU-1","index":"0","pid":77,"memory":9318,"declared":8192,"at":3.25}]},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}','x');
INSERT INTO "tasks" VALUES(3,1,'cancelled','other',9,1003.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss','{"command":{"script":{"name":"a.py","blob":"ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss","interpreter":["python3"],"args":["1"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"max_count":4,"gpu_left":1,"allowed":["GPU-1"],"memory":8192,"max_util":20,"selection":"first","share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true,"warn":{"signal":10,"before_s":30.5},"retry":{"retries":7,"backoff":{"first_s":30.5,"factor":1.5,"cap_s":300.0},"burst":3,"on":["nccl_error","gpu_lost"],"on_gpu_oom":{"factor":1.5}},"depends_on":[{"task_id":90},{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"not_before":900.5,"preemptible":true,"is_named":true,"learn_memory":true,"array_index":3,"max_parallel":2,"params":[["lr",".1"],["bs","32"]],"lane":{"lane":"car","at":2,"rank":3,"is_strict":true},"isolation":"device","mps_percent":40}','{"log_path":"/logs/3.log","is_held_by_user":true,"hold_reason":"why it is held","retry_at":9.5,"n_failures":2,"waits_for":[{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"behind":6,"renewed_at":8.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"},"reason":"gpu_lost","log_path":"/logs/1.log","peak_memory":9318,"utilization":62.5,"borrowed":true,"isolation":"watched","violations":[{"kind":"memory","gpu":"GPU-1","index":"0","pid":77,"memory":9318,"declared":8192,"at":3.25}]},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}','x');
INSERT INTO "tasks" VALUES(4,1,'pending','running',0,1004.0,NULL,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"shell":{"lines":["echo ''\u00e4\n\u2028''","true"]}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","queue":"running","tenant":"x"}','{"log_path":"/logs/4.log"}','x');
INSERT INTO "tasks" VALUES(5,1,'cancelled','other',9,1005.0,4.0,'eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee',NULL,'{"command":{"lease":{"owner":{"pid":75,"start_ticks":4711,"boot_id":"b"},"renew_s":12.5}},"name":"t","workdir":"/w","env":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee","dropped_env":["A","B"],"gpus":{"count":2,"max_count":4,"gpu_left":1,"allowed":["GPU-1"],"memory":8192,"max_util":20,"selection":"first","share":true},"queue":"running","priority":5,"tenant":"x","tags":["x"],"time_limit_s":60.5,"log_path":"rel.log","hold":true,"requeue":true,"allow_infeasible":true,"warn":{"signal":10,"before_s":30.5},"retry":{"retries":7,"backoff":{"first_s":30.5,"factor":1.5,"cap_s":300.0},"burst":3,"on":["nccl_error","gpu_lost"],"on_gpu_oom":{"factor":1.5}},"depends_on":[{"task_id":90},{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"not_before":900.5,"preemptible":true,"is_named":true,"learn_memory":true,"array_index":3,"max_parallel":2,"params":[["lr",".1"],["bs","32"]],"lane":{"lane":"car","at":2,"rank":3,"is_strict":true},"isolation":"device","mps_percent":40}','{"log_path":"/logs/5.log","is_held_by_user":true,"hold_reason":"why it is held","retry_at":9.5,"n_failures":2,"waits_for":[{"task_id":91,"kind":"any"},{"task_id":92,"kind":"fail"}],"behind":6,"renewed_at":8.5,"attempt":{"number":1,"gpus":["GPU-1","MIG-2"],"indices":["0","1:2"],"placed_at":1.5,"started_at":2.5,"pid":77,"supervisor":{"pid":76,"start_ticks":12345,"boot_id":"b"},"result":{"exit_code":null,"signal":9,"started_at":2.5,"ended_at":3.5,"cause":"stopped","cpu_s":1.25,"max_rss_mib":2.0,"detail":"d"},"reason":"gpu_lost","log_path":"/logs/1.log","peak_memory":9318,"utilization":62.5,"borrowed":true,"isolation":"watched","violations":[{"kind":"memory","gpu":"GPU-1","index":"0","pid":77,"memory":9318,"declared":8192,"at":3.25}]},"stop":{"reason":"gpu_drained","by":"x","since":3.0,"requeue":true,"keep_success":true},"ending":{"reason":"cancelled_by_user","at":4.0,"exit_code":3,"signal":15,"detail":"why"}}','x');
CREATE INDEX tasks_by_state ON tasks (state, id);
CREATE INDEX tasks_by_queue ON tasks (queue, id);
CREATE INDEX tasks_by_submission ON tasks (submission_id, id);
CREATE INDEX tasks_ended ON tasks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX tasks_by_env ON tasks (env);
CREATE INDEX tasks_by_script ON tasks (script) WHERE script IS NOT NULL;
CREATE INDEX tasks_live ON tasks (id) WHERE ended_at IS NULL;
CREATE INDEX records_of_a_task ON records (task_id, id) WHERE task_id IS NOT NULL;
CREATE INDEX records_by_time ON records (at);
CREATE INDEX tasks_by_tenant ON tasks (tenant, state, id);
CREATE INDEX records_of_acts ON records (id) WHERE task_id IS NULL;
COMMIT;

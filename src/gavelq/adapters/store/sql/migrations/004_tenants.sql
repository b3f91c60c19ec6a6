-- Whose a task is, beside its request: a tenant lists and counts its own tasks alone. And the records that are about no
-- task, which the audit log is made of.

ALTER TABLE tasks ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
UPDATE tasks SET tenant = json_extract(request, '$.tenant');
CREATE INDEX tasks_by_tenant ON tasks (tenant, state, id);
CREATE INDEX records_of_acts ON records (id) WHERE task_id IS NULL;

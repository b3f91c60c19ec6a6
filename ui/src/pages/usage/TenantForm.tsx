/** A tenant: role, share, quota, password. What is left empty has no limit. */
import { type FormEvent, useState } from "react";
import { patch, post, remove } from "../../api/client";
import type { Tenant } from "../../api/types";
import { Button } from "../../parts/Button";
import { confirm, Dialog } from "../../parts/Dialog";
import { Field } from "../../parts/Field";
import { Refusal, useRefusal } from "../../parts/Refusal";
import { act, toast } from "../../parts/Toast";
import { useWords } from "../../words";
import { words } from "./words";

type Word = keyof typeof words;
type Given = Record<string, string>;

/** The option's name in the API, its label, and what an empty field means. */
const FIELDS: readonly (readonly [option: string, label: Word, hint: Word | null])[] = [
  ["weight", "weight", null],
  ["password", "password", "passwordHint"],
  ["max_gpus", "maxGpus", "anyHint"],
  ["max_memory", "maxMemory", "anyHint"],
  ["max_running", "maxRunning", "anyHint"],
  ["max_queued", "maxQueued", "anyHint"],
  ["gpu_hours", "hours", "anyHint"],
  ["window", "window", null],
  ["max_priority", "maxPriority", "anyHint"],
  ["max_time_limit", "maxLimit", "anyHint"],
  ["queues", "onlyQueues", "listHint"],
  ["gpus", "onlyGpus", "listHint"],
  ["description", "description", null],
];

function text(value: number | null | undefined, unit = ""): string {
  return value === null || value === undefined ? "" : `${value}${unit}`;
}

/** The options of a tenant as a person writes them. */
function written(tenant: Tenant | null): Given {
  const quota = tenant?.quota;
  return {
    name: tenant?.name ?? "",
    role: tenant?.role ?? "tenant",
    weight: text(tenant?.weight ?? 1),
    password: "",
    max_gpus: text(quota?.max_gpus),
    max_memory: text(quota?.max_memory_mib, "M"),
    max_running: text(quota?.max_running),
    max_queued: text(quota?.max_queued),
    gpu_hours: text(quota?.gpu_hours),
    window: `${(quota?.window_s ?? 604800) / 3600}h`,
    max_priority: text(quota?.max_priority),
    max_time_limit: text(quota?.max_time_limit_s, "s"),
    queues: quota?.queues?.join(",") ?? "",
    gpus: quota?.gpus?.join(",") ?? "",
    description: tenant?.description ?? "",
  };
}

/** Only what was changed is sent; an empty limit is none. */
function changes(before: Given, after: Given): Record<string, unknown> {
  const changed = Object.entries(after).filter(([name, value]) => name !== "name" && value !== before[name]);
  return Object.fromEntries(
    changed.map(([name, value]) => {
      if (name === "queues" || name === "gpus") return [name, value === "" ? [] : value];
      return [name, value.trim() === "" && name !== "description" ? null : value.trim()];
    }),
  );
}

export function TenantForm({ tenant, onClose }: { tenant: Tenant | null; onClose: () => void }) {
  const t = useWords(words);
  const [before] = useState(() => written(tenant));
  const [given, setGiven] = useState(before);
  const { attempt, wrong, rest } = useRefusal(
    Object.keys(given).filter((name) => tenant === null || name !== "name"),
  );
  const set = (name: string) => (value: string) => setGiven((now) => ({ ...now, [name]: value }));
  const save = async (event: FormEvent) => {
    event.preventDefault();
    const sent = changes(before, given);
    const send = () => {
      if (tenant === null) return post("/api/tenants", { name: given.name, ...sent });
      const etag = (tenant as { etag?: string }).etag ?? null;
      return patch(`/api/tenants/${encodeURIComponent(tenant.name)}`, sent, { etag });
    };
    if (!(await attempt(send))) return;
    toast(t("saved", { name: given.name ?? "" }));
    onClose();
  };
  const erase = async () => {
    if (tenant === null) return;
    const { isAgreed } = await confirm({
      title: t("deleteAsk", { name: tenant.name }),
      text: t("deleteText"),
      effect: t("delete"),
    });
    if (!isAgreed) return;
    const url = `/api/tenants/${encodeURIComponent(tenant.name)}`;
    if (await act(() => remove(url), t("deleted", { name: tenant.name }))) onClose();
  };
  return (
    <Dialog title={tenant ? t("edit", { name: tenant.name }) : t("newTenant")} onClose={onClose} isWide>
      <form onSubmit={(event) => void save(event)}>
        <div className="form-grid">
          {tenant === null && (
            <Field label={t("name")} problem={wrong("name")}>
              {(control) => (
                <input
                  {...control}
                  className="input"
                  required
                  maxLength={64}
                  value={given.name}
                  onChange={(e) => set("name")(e.target.value)}
                />
              )}
            </Field>
          )}
          <Field label={t("role")} problem={wrong("role")}>
            {(control) => (
              <select
                {...control}
                className="select"
                value={given.role}
                onChange={(e) => set("role")(e.target.value)}
              >
                {["tenant", "viewer", "admin"].map((role) => (
                  <option key={role}>{role}</option>
                ))}
              </select>
            )}
          </Field>
          {FIELDS.map(([name, label, hint]) => (
            <Field key={name} label={t(label)} problem={wrong(name)} hint={hint && t(hint)}>
              {(control) => (
                <input
                  {...control}
                  className="input"
                  type={name === "password" ? "password" : "text"}
                  autoComplete={name === "password" ? "new-password" : "off"}
                  maxLength={500}
                  value={given[name]}
                  onChange={(e) => set(name)(e.target.value)}
                />
              )}
            </Field>
          ))}
        </div>
        <Refusal text={rest} />
        <div className="row dialog-end">
          {tenant && !tenant.is_own && (
            <Button kind="danger" onClick={() => void erase()}>
              {t("delete")}
            </Button>
          )}
          <span className="push" />
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit">
            {tenant ? t("save") : t("create")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

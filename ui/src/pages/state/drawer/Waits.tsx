/** A task that waits: about when it starts, the gates, and the cards one by one. */
import type { Explanation, Plan, Row, TaskDetails, Tenant } from "../../../api/types";
import { GpuGlyph } from "../../../parts/Glyph";
import { Icon, type IconName } from "../../../parts/Icon";
import { TaskLink } from "../../../parts/TaskLink";
import { useLive } from "../../../store/live";
import { useResource } from "../../../store/resource";
import { useRights } from "../../../store/session";
import { useChinese, useLanguage, useWords } from "../../../words";
import { when } from "../../../words/format";
import {
  type CardRow,
  cardRows,
  type GateRow,
  gateRows,
  queueFacts,
  quotaFacts,
  type Verdict as Sign,
} from "./gates";
import { Help } from "./Help";
import { words } from "./whyWords";

const SIGNS: Record<Sign, { icon: IconName; role: string; word: "isOpen" | "isClosed" | "isLater" }> = {
  open: { icon: "check", role: "role-ok", word: "isOpen" },
  closed: { icon: "cross", role: "role-bad", word: "isClosed" },
  later: { icon: "clock", role: "role-wait", word: "isLater" },
};

function SignOf({ sign }: { sign: Sign }) {
  const t = useWords(words);
  const { icon, role, word } = SIGNS[sign];
  return (
    <span className={`sign ${role}`} title={t(word)}>
      <Icon name={icon} />
      <span className="only-read">{t(word)}</span>
    </span>
  );
}

/** `task 5 waits (priority): would fit, but ...` without what the page shows already. */
function bare(summary: string): string {
  return summary.replace(/^task \d+ /, "").replace(/^waits \(\w+\): /, "");
}

function upper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Why it waits, and what its expected start is based on: in the daemon's words where the page's language has none. */
function useTold({ task, summary, expected_basis: basis }: Explanation): { summary: string; basis: string } {
  const t = useWords(words);
  const chinese = useChinese();
  const isReadOnly = useLive((live) => live.daemon?.read_only ?? false);
  const { pending_reason: reason, pending_details: details } = task;
  const about = reason === null ? t("startsNow") : chinese?.wait(reason, details ?? {});
  return {
    summary: (chinese && (isReadOnly ? t("readOnly") : about)) || upper(bare(summary)),
    basis: basis === null ? "" : (chinese?.text(basis) ?? upper(basis)),
  };
}

function Verdict({ why, promised }: { why: Explanation; promised: readonly (string | number)[] }) {
  const t = useWords(words);
  const { summary, basis } = useTold(why);
  const language = useLanguage((choice) => choice.language);
  const all = useLive((live) => live.counts?.pending ?? 0);
  const at = why.expected_start_at;
  const gpus = promised.map(String);
  const list =
    gpus.length > 1 ? gpus.slice(0, -1).join(t("comma")) + t("and") + gpus.at(-1) : (gpus[0] ?? "");
  const title = () => {
    if (at === null) return t("startsUnknown");
    if (Date.parse(at) < Date.now() - 60_000) return t("overdue");
    return list
      ? t("startsAt", { at: when(at, language), gpus: list })
      : t("startsAtOnly", { at: when(at, language) });
  };
  const place =
    why.position === null
      ? ""
      : t(why.position === 1 ? "first" : "place", { n: why.position, all: Math.max(all, why.position) });
  return (
    <section className={`verdict-box role-${at === null ? "wait" : "accent"}`}>
      <h2>{title()}</h2>
      <p className="second">{summary}</p>
      <p className="second">
        {place} {basis}
      </p>
    </section>
  );
}

const NAMES: Readonly<Record<string, keyof typeof words>> = {
  dependency: "dependency",
  begin_time: "begin_time",
  backoff: "backoff",
  infeasible: "infeasible",
  array_limit: "array_limit",
  task_limit: "task_limit",
  serial: "serial",
  gpu_budget: "gpu_budget",
  gpu_sampling: "gpu_sampling",
  priority: "priorityGate",
  depth: "depth",
  gpus: "gpus",
};

function useGateText(task: TaskDetails, why: Explanation) {
  const t = useWords(words);
  const chinese = useChinese();
  const queue = useLive((live) => live.queues.find(({ name }) => name === task.queue));
  const { isAdmin, tenant: me } = useRights();
  const about =
    task.tenant === me ? "/api/tenant" : isAdmin ? `/api/tenants/${encodeURIComponent(task.tenant)}` : null;
  const { data: tenant } = useResource<Tenant>(about, { on: ["task", "tenant"] });
  const part = (n: number, most: number | null) => (most === null ? `${n}` : t("of", { n, most }));
  const name = (row: GateRow): string => {
    if (row.key === "queue") return t("queueOf", { name: task.queue });
    if (row.key === "tenant_quota") return t("tenantOf", { name: task.tenant });
    const word = NAMES[row.key];
    return word === undefined ? row.key : t(word);
  };
  const text = (row: GateRow): string => {
    if (row.gate !== null) return chinese?.wait(row.gate.gate, row.gate.details) ?? row.gate.text;
    if (row.key === "dependency") return t(task.dependencies.length ? "met" : "none");
    if (row.key === "queue") {
      const facts = queueFacts(queue);
      if (facts === null) return "";
      const limit = facts.most === null ? t("noLimit") : t("most", { n: facts.most });
      return t("queueOpen", { n: facts.nRunning, limit });
    }
    if (row.key === "tenant_quota") {
      const facts = quotaFacts(tenant);
      if (facts === null) return "";
      const { gpus, mostGpus, running, mostRunning } = facts;
      return mostGpus === null && mostRunning === null
        ? t("noQuota")
        : t("quota", { gpus: part(gpus, mostGpus), tasks: part(running, mostRunning) });
    }
    if (row.key === "gpus") {
      const n = why.cards.filter((card) => card.fits).length;
      return row.verdict === "open" ? t("fitEnough", { n }) : t("fitNow", { n, need: task.gpu_count });
    }
    return "";
  };
  return { name, text };
}

function CardText({ row, id }: { row: CardRow; id: number }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { said } = row;
  switch (said.kind) {
    case "fits":
      return said.isKept ? t("fitsKept", { free: said.free, id }) : t("fits", { free: said.free });
    case "owned":
      return t("owned", { name: said.queue });
    case "outside":
      return said.queue === null ? t("outside") : t("outsideQueue", { name: said.queue });
    case "daemon":
      return said.text;
    case "held":
      return (
        <>
          {said.tasks.map((task: Row, i) => (
            <span key={task.id}>
              {i > 0 && ", "}
              <TaskLink id={task.id} /> {task.tenant}
            </span>
          ))}
          {said.until !== null && t("heldUntil", { at: when(new Date(said.until).toISOString(), language) })}
        </>
      );
  }
}

function isKept({ gpu, said }: CardRow): boolean {
  return said.kind === "fits" && said.isKept && gpu.state === "free";
}

function Cards({ rows, id }: { rows: readonly CardRow[]; id: number }) {
  const t = useWords(words);
  return (
    <ul className="why-cards" aria-label={t("cards")}>
      {rows.map((row) => (
        <li key={row.gpu.uuid} className={`is-${row.verdict}`}>
          <b>{row.gpu.index}</b>
          <GpuGlyph state={isKept(row) ? "reserved" : row.gpu.state} size={14} />
          <span className="grow">
            <CardText row={row} id={id} />
          </span>
          <SignOf sign={row.verdict} />
        </li>
      ))}
    </ul>
  );
}

export function Waits({ task, why }: { task: TaskDetails; why: Explanation }) {
  const t = useWords(words);
  const gpus = useLive((live) => live.gpus);
  const tasks = useLive((live) => live.tasks);
  const { data: plan } = useResource<Plan>("/api/plan?hours=24", { on: ["task", "gpu", "queue"] });
  const promised = plan?.pending.find((one) => one.task_id === task.id)?.gpus ?? [];
  const { name, text } = useGateText(task, why);
  const chinese = useChinese();
  const tell = (card: Pick<Explanation["cards"][number], "text" | "details">) =>
    chinese?.card(card.details) ?? card.text;
  const rows = gateRows(why);
  return (
    <div className="why">
      <Verdict why={why} promised={promised} />
      <section>
        <h3>{t("way")}</h3>
        <dl className="gates">
          {rows.map((row) => (
            <div key={row.key}>
              <dt>
                <SignOf sign={row.verdict} />
                {name(row)}
              </dt>
              <dd>{text(row)}</dd>
            </div>
          ))}
        </dl>
        {why.cards.length > 0 && (
          <Cards rows={cardRows(why, gpus, tasks, promised, task.queue, tell)} id={task.id} />
        )}
      </section>
      <Help task={task} why={why} />
    </div>
  );
}

/** The control that fits a setting's kind: a switch, a choice, cards, a number with its unit, a text. */
import type { ReactNode } from "react";
import type { Setting } from "../../api/types";
import { useLive } from "../../store/live";
import { useLanguage, useWords } from "../../words";
import { span } from "../../words/format";
import { Segments } from "../Button";
import { Cards } from "./Cards";
import { Switch } from "./Switch";
import { isFixed, isList, type Wish, wished, written } from "./values";
import { words } from "./words";

/** Letters of all choices together that fit beside each other. */
const FEW = 20;

const UNITS: readonly (readonly [end: RegExp, unit: string])[] = [
  [/_mib$/, "MiB"],
  [/_mb$/, "MB"],
  [/percent$|utilization$/, "%"],
  [/days$/, "d"],
];

/** The unit of a setting's number; empty where it has none. */
export function unitOf(row: Setting): string {
  if (row.kind === "seconds") return "s";
  if (row.kind !== "whole") return "";
  return UNITS.find(([end]) => end.test(row.name))?.[1] ?? "";
}

export interface ControlProps {
  row: Setting;
  wish: Wish | undefined;
  onWish: (wish: Wish) => void;
  /** For readers. */
  label: string;
  problem?: string | undefined;
  /** The id of what is wrong with it. */
  problemId?: string | undefined;
  unit?: string | undefined;
  /** Words for the choices, where they have better ones than the file's. */
  options?: readonly (readonly [value: unknown, text: string])[] | undefined;
  /** What an empty field means. */
  placeholder?: string | undefined;
}

function Chosen({ row, wish, onWish, label, options }: ControlProps) {
  const t = useWords(words);
  const plain = options ?? (row.choices ?? []).map((word) => [word, word] as const);
  const all: (readonly [unknown, string])[] =
    plain.length > 0
      ? [...plain]
      : [
          [true, t("on")],
          [false, t("off")],
        ];
  if (row.optional && !all.some(([value]) => value === null)) all.push([null, t("none")]);
  const at = String(all.findIndex(([value]) => value === wished(row, wish)));
  const pick = (place: string) => onWish({ value: all[Number(place)]?.[0] });
  const isShort = all.map(([, text]) => text).join("").length <= FEW;
  if (isShort && !isFixed(row)) {
    return (
      <Segments
        label={label}
        value={at}
        options={all.map(([, text], i) => [String(i), text] as const)}
        onChange={pick}
      />
    );
  }
  return (
    <select
      className="select"
      aria-label={label}
      disabled={isFixed(row)}
      value={at}
      onChange={(event) => pick(event.target.value)}
    >
      {all.map(([value, text], i) => (
        <option key={String(value)} value={i}>
          {text}
        </option>
      ))}
    </select>
  );
}

function QueueChoice({ row, wish, onWish, label }: ControlProps) {
  const queues = useLive((live) => live.queues);
  const value = String(wished(row, wish) ?? "");
  const names = [...new Set([value, ...queues.map((queue) => queue.name)])];
  return (
    <select
      className="select"
      aria-label={label}
      disabled={isFixed(row)}
      value={value}
      onChange={(event) => onWish({ value: event.target.value })}
    >
      {names.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
}

function Typed(props: ControlProps & { children?: ReactNode }) {
  const { row, wish, onWish, label, problem, problemId, placeholder } = props;
  const t = useWords(words);
  const value = wish !== undefined && "text" in wish ? wish.text : written(row, wished(row, wish));
  const unit = props.unit ?? unitOf(row);
  const field = {
    value,
    "aria-label": label,
    "aria-invalid": Boolean(problem),
    "aria-describedby": problem ? problemId : undefined,
    disabled: isFixed(row),
    spellCheck: false,
    autoComplete: "off",
    placeholder: placeholder ?? (row.optional ? t("none") : undefined),
    title: row.wanted,
    onChange: (event: { target: { value: string } }) => onWish({ text: event.target.value }),
  };
  if (isList(row) && value.length > 60)
    return <textarea className="area" rows={Math.min(8, Math.ceil(value.length / 36))} {...field} />;
  const isNumber = ["whole", "number", "seconds"].includes(row.kind);
  const isWide = !isNumber && !["duration", "memory", "retries", "pauses", "hours"].includes(row.kind);
  return (
    <span className={`typed ${isWide ? "wide" : ""}`}>
      <input className="input" inputMode={isNumber ? "decimal" : "text"} {...field} />
      {unit && <span className="unit">{unit}</span>}
    </span>
  );
}

/** Many seconds in words: `604800` is a week. */
function InWords({ row, wish }: { row: Setting; wish: Wish | undefined }) {
  const language = useLanguage((choice) => choice.language);
  const value = wished(row, wish);
  if (row.kind !== "seconds" || typeof value !== "number" || value < 600) return null;
  return <span className="label">= {span(value, language)}</span>;
}

/** An alert's rule: whether it is watched for, and the threshold. */
function AlertRule(props: ControlProps) {
  const { row, wish, onWish, label } = props;
  const value = written(row, wish !== undefined && "text" in wish ? wish.text : wished(row, wish));
  const isPlain = row.default === "on";
  return (
    <span className="row">
      {!isPlain && value !== "off" && <Typed {...props} />}
      <Switch
        label={`${label}: on`}
        isOn={value !== "off"}
        disabled={isFixed(row)}
        onChange={(isOn) => onWish({ value: isOn ? (row.value === "off" ? row.default : row.value) : "off" })}
      />
    </span>
  );
}

export function Control(props: ControlProps) {
  const { row, wish, onWish, label, problem, problemId } = props;
  if (row.kind === "flag" && !row.optional && !props.options) {
    return (
      <Switch
        label={label}
        isOn={Boolean(wished(row, wish))}
        disabled={isFixed(row)}
        describedBy={problem ? problemId : undefined}
        onChange={(isOn) => onWish({ value: isOn })}
      />
    );
  }
  if (row.kind === "flag" || row.kind === "choice") return <Chosen {...props} />;
  if (row.kind === "queue") return <QueueChoice {...props} />;
  if (row.kind === "alert_rule") return <AlertRule {...props} />;
  if (row.kind === "gpus") {
    return (
      <Cards
        label={label}
        named={(wished(row, wish) ?? []) as (number | string)[]}
        disabled={isFixed(row)}
        describedBy={problem ? problemId : undefined}
        onChange={(value) => onWish({ value })}
      />
    );
  }
  return (
    <>
      <Typed {...props} />
      <InWords row={row} wish={wish} />
    </>
  );
}

/** config.yaml beside the form: as it would be, or what would change in it. */
import { useState } from "react";
import { Segments } from "../../parts/Button";
import { Icon } from "../../parts/Icon";
import type { Drafting } from "../../parts/setting/useDraft";
import { useWords } from "../../words";
import { type FileLine, fileLines, near, yamlParts } from "./fileLines";
import { words } from "./words";

function Line({ line }: { line: FileLine }) {
  const [key, value, comment] = yamlParts(line.text);
  return (
    <div className={{ "+": "plus", "-": "minus", " ": "" }[line.sign]}>
      <span className="line-number">{line.number}</span>
      <span className="line-sign">{line.sign}</span>
      <span>
        {key}
        <span className="yaml-value">{value}</span>
        <span className="quiet">{comment}</span>
      </span>
    </div>
  );
}

export function FileCard({ drafting }: { drafting: Drafting }) {
  const t = useWords(words);
  const [view, setView] = useState<"yaml" | "diff">("diff");
  const { tried, isJudged, isValid, mistakes } = drafting;
  const file = tried?.file;
  const all = file ? fileLines(file.before, file.after) : [];
  const lines = view === "diff" ? near(all) : all.filter((line) => line.sign !== "-");
  const isEmpty = file !== undefined && file.before === "" && file.after === "";
  const role = isValid ? "ok" : "bad";
  return (
    <section className="card" aria-label={t("file")}>
      <div className="cardhead">
        <h2 className="mono-title" title={file?.path}>
          {file?.path.split("/").at(-1) ?? "config.yaml"}
        </h2>
        {isJudged ? (
          <span className={`pill is role-${role}`} role="status">
            <Icon name={isValid ? "check" : "cross"} />
            {isValid ? t("valid") : t("invalid", { n: Math.max(1, Object.keys(mistakes).length) })}
          </span>
        ) : (
          <span className="pill is role-idle" role="status">
            <Icon name="clock" />
            {t("checking")}
          </span>
        )}
        <span className="push" />
        <Segments
          label={t("show")}
          value={view}
          options={[
            ["yaml", t("yaml")],
            ["diff", t("diff")],
          ]}
          onChange={setView}
        />
      </div>
      {isEmpty ? (
        <p className="pad second">{t("noFile")}</p>
      ) : (
        <section className="diff file-lines" tabIndex={0} aria-label={file?.path ?? ""}>
          {lines.map((line) => (
            <Line key={`${line.sign}${line.number}`} line={line} />
          ))}
        </section>
      )}
    </section>
  );
}

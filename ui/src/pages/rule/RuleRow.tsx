/** One rule: what it is called and means, its control, where its value comes from. */
import { Fragment, useId } from "react";
import type { Setting } from "../../api/types";
import { Control } from "../../parts/setting/Control";
import { DefaultOf, isUsual, SourceChip, useShown } from "../../parts/setting/Source";
import type { Drafting } from "../../parts/setting/useDraft";
import { say, useLanguage } from "../../words";
import type { Rule } from "./shapes";

export function RuleRow({
  rule,
  rows,
  drafting,
}: {
  rule: Rule;
  rows: readonly Setting[];
  drafting: Drafting;
}) {
  const language = useLanguage((choice) => choice.language);
  const id = useId();
  const put = (pair: readonly [string, string] | undefined) => pair && say(pair, language);
  const shown = useShown();
  const isChangedOne = (row: Setting) => drafting.names.includes(row.name);
  const isChanged = rows.some(isChangedOne);
  const unusual = rows.filter((row) => !isUsual({ row, isChanged: isChangedOne(row) }));
  const sources = unusual.length > 0 ? unusual : rows.slice(0, 1);
  const problem = rows.map((row) => drafting.mistakes[row.name]).find(Boolean);
  const options = rule.options?.map(([value, text]) => [value, say(text, language)] as const);
  const called = (row: Setting): string => {
    if (row.default === null && rule.none) return say(rule.none, language);
    const option = options?.find(([value]) => value === row.default);
    return option ? (option[1].split(/[:：]/)[0] ?? "") : shown(row, row.default);
  };
  return (
    <div className={`rule ${isChanged ? "changed-row" : ""}`} data-rule={rule.keys[0]}>
      <div className="rule-name">
        <span className="name">{put(rule.name)}</span>
        {rows.map((row) => (
          <code key={row.name} className="quiet">
            {row.name
              .split(".")
              .slice(0, -1)
              .map((section) => `${section}.`)}
            <wbr />
            {row.name.split(".").at(-1)}
          </code>
        ))}
      </div>
      <p className="second rule-meaning" title={rows.map((row) => row.help).join("\n")}>
        {put(rule.meaning)}
      </p>
      <div className="rule-control">
        <span className="row wrap">
          {rows.map((row, i) => (
            <Fragment key={row.name}>
              {i > 0 && <span className="quiet">{put(rule.between)}</span>}
              <Control
                row={row}
                wish={drafting.draft[row.name]}
                onWish={(wish) => drafting.wish(row.name, wish)}
                label={rows.length > 1 ? `${put(rule.name)}: ${row.name}` : (put(rule.name) ?? row.name)}
                problem={drafting.mistakes[row.name]}
                problemId={id}
                unit={put(rule.unit)}
                options={options}
                placeholder={put(rule.none)}
              />
            </Fragment>
          ))}
        </span>
        {problem && (
          <span id={id} className="problem" role="alert">
            {problem}
          </span>
        )}
      </div>
      <div className="source rule-source">
        <span className="row wrap">
          {sources.map((row) => (
            <SourceChip
              key={row.name}
              row={row}
              wish={drafting.draft[row.name]}
              isChanged={isChangedOne(row)}
              onWish={(wish) => drafting.wish(row.name, wish)}
            />
          ))}
        </span>
        <DefaultOf text={rows.map(called).join(` ${put(rule.between)} `)} />
      </div>
    </div>
  );
}

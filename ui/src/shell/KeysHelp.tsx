/** All keys, and the switch that turns them off. */
import { Button } from "../parts/Button";
import { Dialog } from "../parts/Dialog";
import { useChoices } from "../store/settings";
import { type Pair, say, useLanguage, useWords } from "../words";
import { PAGES } from "./pages";

const words: Record<string, Pair> = {
  title: ["Keys", "快捷键"],
  filter: ["Filter", "筛选"],
  move: ["Move in the list", "在列表中移动"],
  select: ["Select", "选择"],
  open: ["Open", "打开"],
  close: ["Close", "关闭"],
  tabs: ["Tabs of the drawer", "抽屉标签页"],
  task: ["New task", "新建任务"],
  all: ["This list", "本列表"],
  on: ["Single keys are on", "启用单键"],
  done: ["Close", "关闭"],
};

const ROWS = [
  [["/"], "filter"],
  [["j", "k"], "move"],
  [["x"], "select"],
  [["Enter"], "open"],
  [["Esc"], "close"],
  [["1", "…", "5"], "tabs"],
  [["n"], "task"],
  [["?"], "all"],
] as const;

export function KeysHelp({ onClose }: { onClose: () => void }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const { hasKeys, switchKeys } = useChoices();
  return (
    <Dialog title={t("title")} onClose={onClose}>
      <dl className="keys">
        {ROWS.map(([keys, word]) => (
          <div key={word} className="row">
            <dt>{keys.map((key) => (key === "…" ? key : <kbd key={key}>{key}</kbd>))}</dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
        {PAGES.map((page) => (
          <div key={page.path} className="row">
            <dt>
              <kbd>g</kbd>
              <kbd>{page.key}</kbd>
            </dt>
            <dd>{say(page.words, language)}</dd>
          </div>
        ))}
      </dl>
      <div className="row">
        <label className="check grow">
          <input type="checkbox" checked={hasKeys} onChange={(event) => switchKeys(event.target.checked)} />
          {t("on")}
        </label>
        <Button onClick={onClose}>{t("done")}</Button>
      </div>
    </Dialog>
  );
}

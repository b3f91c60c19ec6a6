/** The rules of scheduling: a form beside the file, what would come of changes, and what was changed before. */
import { Link } from "wouter";
import { Empty } from "../../parts/Empty";
import { isRule } from "../../parts/setting/belongs";
import { useDraft } from "../../parts/setting/useDraft";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { FileCard } from "./FileCard";
import { History } from "./History";
import { OwnAhead } from "./OwnAhead";
import { RuleForm } from "./RuleForm";
import { TryIt } from "./TryIt";
import "../../parts/setting/setting.css";
import "./rule.css";
import { words } from "./words";

export default function RulePage() {
  const t = useWords(words);
  const { isAdmin, maySubmit, tenant } = useRights();
  const drafting = useDraft("rule", isRule, isAdmin);
  if (!isAdmin) {
    return (
      <div className="rule-own">
        <section className="card">
          <h1 className="only-read">{t("title")}</h1>
          <Empty title={t("admins")}>
            {t("adminsText", { name: tenant })} <Link href="/usage">{t("usage")}</Link>
          </Empty>
        </section>
        {maySubmit && <OwnAhead />}
      </div>
    );
  }
  if (drafting.rows.length === 0) {
    return drafting.unread ? <p className="problem">{drafting.unread.message}</p> : null;
  }
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <div className="rule-page">
        <RuleForm drafting={drafting} />
        <div className="rule-side">
          <FileCard drafting={drafting} />
          <TryIt drafting={drafting} />
          <History />
        </div>
      </div>
    </>
  );
}

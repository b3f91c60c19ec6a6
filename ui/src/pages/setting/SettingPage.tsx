/** All settings but the rules, and how the daemon is: doctor, channels, alerts, versions, audit log. */
import { Icon } from "../../parts/Icon";
import { isRule } from "../../parts/setting/belongs";
import { useDraft } from "../../parts/setting/useDraft";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useWords } from "../../words";
import { Alerting } from "./Alerting";
import { Audit } from "./Audit";
import type { Alerts } from "./alerting";
import { Browser } from "./Browser";
import { type Check, Doctor } from "./Doctor";
import { Notifications } from "./Notifications";
import { Places } from "./Places";
import { Settings } from "./Settings";
import { Versions } from "./Versions";
import "../../parts/setting/setting.css";
import "./page.css";
import { words } from "./words";

function isMine(name: string): boolean {
  return !isRule(name);
}

export default function SettingPage() {
  const t = useWords(words);
  const { isAdmin, tenant } = useRights();
  const drafting = useDraft("setting", isMine, isAdmin);
  const alerts = useResource<Alerts>("/api/alerts?limit=1", { on: ["alert", "config"], everyMs: 30_000 });
  const doctor = useResource<Check[]>(isAdmin ? "/api/doctor" : null);
  const checks = doctor.data ?? [];
  const isReady = drafting.rows.length > 0;
  return (
    <>
      <h1 className="only-read">{t("title")}</h1>
      <div className={`setting-page ${isAdmin ? "" : "narrow-rights"}`}>
        {isAdmin && (
          <Places
            nFiring={alerts.data?.firing.length ?? 0}
            nWrong={checks.filter((check) => check.level === "fail" || check.level === "warn").length}
          />
        )}
        {isAdmin && isReady && <Settings drafting={drafting} />}
        {isAdmin && drafting.unread && <p className="problem">{drafting.unread.message}</p>}
        <div className="setting-side">
          {!isAdmin && (
            <p className="card pad row role-idle">
              <Icon name="user" />
              {t("admins", { name: tenant })}
            </p>
          )}
          {isAdmin && <Doctor found={doctor} />}
          {isAdmin && isReady && <Notifications drafting={drafting} alerts={alerts.data} />}
          <Alerting drafting={drafting} alerts={alerts.data} />
          <Versions checks={checks} onReload={drafting.reload} />
          <Browser />
          {isAdmin && <Audit />}
        </div>
      </div>
    </>
  );
}

/** Tokens: whose, what they may do, when they were used; a new one is shown once. */
import { type FormEvent, useState } from "react";
import { post, remove } from "../../api/client";
import type { Tenant, Token } from "../../api/types";
import { Button } from "../../parts/Button";
import { CopyButton } from "../../parts/Copy";
import { confirm, Dialog } from "../../parts/Dialog";
import { Empty } from "../../parts/Empty";
import { Field } from "../../parts/Field";
import { Refusal, useRefusal } from "../../parts/Refusal";
import { act } from "../../parts/Toast";
import { useNow } from "../../shell/Connection";
import { useResource } from "../../store/resource";
import { useRights } from "../../store/session";
import { useLanguage, useWords } from "../../words";
import { since, span } from "../../words/format";
import { words } from "./words";

const SOON_S = 7 * 86400;
const SCOPES = { read: ["read"], submit: ["read", "submit"], admin: ["read", "submit", "admin"] } as const;
/** What a token of a tenant can give at most: no more than its role. */
const OF_ROLE = { viewer: ["read"], tenant: ["read", "submit"], admin: ["read", "submit", "admin"] } as const;

/** The last of its scopes has the others in it. */
function mostOf({ scopes }: Token): "mayAll" | "maySubmit" | "mayRead" {
  if (scopes.includes("admin")) return "mayAll";
  return scopes.includes("submit") ? "maySubmit" : "mayRead";
}

function Fate({ token }: { token: Token }) {
  const t = useWords(words);
  const language = useLanguage((choice) => choice.language);
  const now = useNow(60_000);
  if (token.is_expired) return <span className="problem">{t("expired")}</span>;
  if (token.expires_at !== null) {
    const left = -since(token.expires_at, now);
    if (left < SOON_S)
      return <span style={{ color: "var(--wait)" }}>{t("endsIn", { time: span(left, language) })}</span>;
  }
  if (token.used_at === null) return <span className="quiet">{t("never")}</span>;
  return <span className="second">{t("used", { time: span(since(token.used_at, now), language) })}</span>;
}

function NewToken({ tenants, onClose }: { tenants: readonly Tenant[]; onClose: () => void }) {
  const t = useWords(words);
  const [given, setGiven] = useState({ name: "", tenant: "", may: "submit", expires: "30d" });
  const { attempt, wrong, rest } = useRefusal(["name", "tenant", "scopes", "expires"]);
  const [made, setMade] = useState<string | null>(null);
  const role = tenants.find(({ name }) => name === given.tenant)?.role ?? "tenant";
  const most: readonly string[] = OF_ROLE[role];
  const may = (most.includes(given.may) ? given.may : most.at(-1)) as keyof typeof SCOPES;
  const make = async (event: FormEvent) => {
    event.preventDefault();
    const { name, tenant, expires } = given;
    const scopes = SCOPES[may];
    const sent = { name, tenant, scopes, ...(expires.trim() ? { expires: expires.trim() } : {}) };
    await attempt(async () => setMade((await post<{ token: string }>("/api/tokens", sent)).token));
  };
  if (made !== null) {
    return (
      // A slip of the hand must not hide for ever what is shown once: its button alone closes it.
      <Dialog title={t("newToken")} onClose={() => undefined}>
        <div className="stack dialog-text">
          <p>{t("made")}</p>
          <span className="command">
            <code className="secret" data-testid="secret">
              {made}
            </code>
            <CopyButton text={made} />
          </span>
          <div className="row dialog-end">
            <Button kind="primary" onClick={onClose}>
              {t("done")}
            </Button>
          </div>
        </div>
      </Dialog>
    );
  }
  const set = (field: string) => (event: { target: { value: string } }) =>
    setGiven({ ...given, [field]: event.target.value });
  return (
    <Dialog title={t("newToken")} onClose={onClose}>
      <form onSubmit={(event) => void make(event)}>
        <div className="form-grid">
          <Field label={t("name")} problem={wrong("name")}>
            {(control) => (
              <input
                {...control}
                className="input"
                required
                maxLength={100}
                value={given.name}
                onChange={set("name")}
              />
            )}
          </Field>
          <Field label={t("tokenFor")} problem={wrong("tenant")}>
            {(control) => (
              <select {...control} className="select" required value={given.tenant} onChange={set("tenant")}>
                <option value="" disabled>
                  {t("choose")}
                </option>
                {tenants.map((tenant) => (
                  <option key={tenant.name}>{tenant.name}</option>
                ))}
              </select>
            )}
          </Field>
          <Field label={t("scopes")} problem={wrong("scopes")}>
            {(control) => (
              <select {...control} className="select" value={may} onChange={set("may")}>
                {(["read", "submit", "admin"] as const)
                  .filter((one) => most.includes(one))
                  .map((one) => (
                    <option key={one} value={one}>
                      {t(one)}
                    </option>
                  ))}
              </select>
            )}
          </Field>
          <Field label={t("expires")} problem={wrong("expires")} hint={t("expiresHint")}>
            {(control) => (
              <input
                {...control}
                className="input"
                maxLength={40}
                value={given.expires}
                onChange={set("expires")}
              />
            )}
          </Field>
        </div>
        <Refusal text={rest} />
        <div className="row dialog-end">
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button kind="primary" type="submit">
            {t("make")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Tokens({ tenants }: { tenants: readonly Tenant[] }) {
  const t = useWords(words);
  const { data } = useResource<Token[]>("/api/tokens", { on: ["token", "tenant"], everyMs: 60_000 });
  const { isAdmin, maySubmit } = useRights();
  const [isNew, setNew] = useState(false);
  const revoke = async (token: Token) => {
    const { isAgreed } = await confirm({
      title: t("revokeAsk", { name: token.name }),
      text: t("revokeText", { tenant: token.tenant }),
      effect: t("revoke"),
    });
    if (isAgreed) await act(() => remove(`/api/tokens/${token.id}`), t("revoked", { name: token.name }));
  };
  return (
    <section className="card" aria-labelledby="usage-tokens">
      <div className="usage-head">
        <h2 id="usage-tokens">{t("tokens")}</h2>
        <span className="push" />
        {isAdmin && (
          <Button icon="plus" onClick={() => setNew(true)}>
            {t("addToken")}
          </Button>
        )}
      </div>
      {data?.length === 0 ? (
        <Empty title={t("noTokens")} {...(isAdmin ? { command: "gavelq token create --tenant TENANT" } : {})}>
          {t("noTokensText")}
        </Empty>
      ) : (
        <ul className="tokens">
          {data?.map((token) => (
            <li key={token.id}>
              <span className="name cut" title={token.prefix}>
                {token.name}
              </span>
              <span className="second cut">
                {token.tenant}, {t(mostOf(token))}
              </span>
              <Fate token={token} />
              {maySubmit && (
                <Button kind="plain" size="small" icon="trash" onlyIcon onClick={() => void revoke(token)}>
                  {t("revoke")}
                </Button>
              )}
            </li>
          ))}
        </ul>
      )}
      <p className="pad second">{t(isAdmin ? "once" : "byAdmins")}</p>
      {isNew && <NewToken tenants={tenants} onClose={() => setNew(false)} />}
    </section>
  );
}

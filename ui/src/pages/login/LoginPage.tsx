/** A token, or a tenant's name and password, for a session cookie. */
import { type FormEvent, useEffect, useRef, useState } from "react";
import { useLocation, useSearchParams } from "wouter";
import { Problem, post } from "../../api/client";
import { Button, Segments } from "../../parts/Button";
import { Command } from "../../parts/Copy";
import { Field } from "../../parts/Field";
import { Mark } from "../../shell/Mark";
import { recognise } from "../../store/session";
import { useWords } from "../../words";
import "./login.css";
import { words } from "./words";

type Way = "token" | "password";

/** Where to go afterwards: a page of ours, never another host. */
export function nextPage(next: string | null): string {
  return next !== null && /^\/[a-z]/.test(next) && !next.startsWith("/login") ? next : "/gpu";
}

export default function LoginPage() {
  const t = useWords(words);
  const [, go] = useLocation();
  const [query] = useSearchParams();
  const [way, setWay] = useState<Way>("token");
  const [given, setGiven] = useState({ token: "", tenant: "", password: "" });
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => form.current?.querySelector("input")?.focus(), []);
  /** The daemon's hints at header fields are for programs. */
  const told = (error: unknown): string => {
    if (!(error instanceof Problem)) return String(error);
    if (error.status === 0) return t("silent");
    if (error.code === "token_expired") return t("tokenOver");
    if (error.status === 401) return t(way === "token" ? "wrongToken" : "wrongPassword");
    return error.message;
  };
  const enter = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem(null);
    try {
      const { token, tenant, password } = given;
      await post("/api/login", way === "token" ? { token: token.trim() } : { tenant, password });
      await recognise();
      go(nextPage(query.get("next")), { replace: true });
    } catch (error) {
      setProblem(told(error));
    } finally {
      setBusy(false);
    }
  };
  const input = (field: keyof typeof given, complete: string) => (control: object) => (
    <input
      {...control}
      className="input"
      type={field === "tenant" ? "text" : "password"}
      autoComplete={complete}
      required
      maxLength={1000}
      value={given[field]}
      onChange={(event) => setGiven({ ...given, [field]: event.target.value })}
    />
  );
  return (
    <main className="card login">
      <div className="row">
        <Mark size={24} />
        <h1>{t("title")}</h1>
      </div>
      <form ref={form} onSubmit={(event) => void enter(event)}>
        {query.has("expired") && problem === null && <p className="second">{t("expired")}</p>}
        <Segments
          label={t("how")}
          value={way}
          options={[
            ["token", t("token")],
            ["password", t("password")],
          ]}
          onChange={(chosen) => {
            setWay(chosen);
            setProblem(null);
          }}
        />
        {way === "token" ? (
          <Field label={t("token")} problem={problem}>
            {input("token", "off")}
          </Field>
        ) : (
          <>
            <Field label={t("name")}>{input("tenant", "username")}</Field>
            <Field label={t("secret")} problem={problem}>
              {input("password", "current-password")}
            </Field>
          </>
        )}
        <Button kind="primary" type="submit" disabled={isBusy}>
          {t("enter")}
        </Button>
      </form>
      <div className="stack or-else">
        <p className="second">{t("help")}</p>
        <div>
          <Command text="gavelq ui" />
        </div>
      </div>
    </main>
  );
}

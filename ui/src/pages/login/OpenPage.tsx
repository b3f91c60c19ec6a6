/** A one-time link of `gavelq ui`: its code is sent by POST, so that whoever merely looks at the link does not use it up. */
import { useEffect, useRef, useState } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { post } from "../../api/client";
import { Command } from "../../parts/Copy";
import { Mark } from "../../shell/Mark";
import { recognise } from "../../store/session";
import { useWords } from "../../words";
import "./login.css";
import { words } from "./words";

export default function OpenPage() {
  const t = useWords(words);
  const [, go] = useLocation();
  const [query] = useSearchParams();
  const [isOver, setOver] = useState(false);
  const isSent = useRef(false);
  const code = query.get("code");
  useEffect(() => {
    if (isSent.current) return;
    isSent.current = true;
    post("/api/login", { code: code ?? "" })
      .then(recognise)
      .then(
        () => go("/gpu", { replace: true }),
        () => setOver(true),
      );
  }, [code, go]);
  return (
    <main className="card login stack">
      <div className="row">
        <Mark size={24} />
        <h1>{isOver ? t("over") : t("opening")}</h1>
      </div>
      {isOver && (
        <>
          <p className="second">{t("again")}</p>
          <div>
            <Command text="gavelq ui" />
          </div>
          <Link href="/login">{t("instead")}</Link>
        </>
      )}
    </main>
  );
}

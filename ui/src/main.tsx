import "./start";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { App } from "./App";
import { renewWhereOutdated } from "./shell/renew";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/shell.css";

renewWhereOutdated();

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Router base="/ui">
        <App />
      </Router>
    </StrictMode>,
  );
}

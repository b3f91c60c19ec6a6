import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { App } from "./App";
import "./style/tokens.css";
import "./style/base.css";
import "./style/parts.css";
import "./style/shell.css";

const LOADED = "gavelq.loaded";
/** A page that is being left has its requests cut, too; it is gone by then. */
const SETTLES_MS = 1_000;

// A page that is open since before an upgrade asks for parts whose names have changed with it: it is loaded anew, once.
window.addEventListener("vite:preloadError", (event) => {
  if (Date.now() - Number(sessionStorage.getItem(LOADED)) < 60_000) return;
  sessionStorage.setItem(LOADED, String(Date.now()));
  event.preventDefault();
  setTimeout(() => location.reload(), SETTLES_MS);
});

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

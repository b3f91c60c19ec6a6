import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

/** What several pages have in common goes into one file: many small ones cost a request each. */
const SHARED = /\/src\/(parts\/(?!HistoryChart|Diff)\w+|parts\/history\/ticks|words\/\w+)\.tsx?$|\/zustand\//;

const daemon = process.env.GAVELQ_API ?? "http://127.0.0.1:8080";

export default defineConfig({
  base: "/ui/",
  plugins: [react()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0, // inlined data: URLs would need a wider Content-Security-Policy
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: "parts", test: SHARED, minShareCount: 2 }] } },
    },
  },
  server: { proxy: { "/api": { target: daemon, changeOrigin: false } } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});

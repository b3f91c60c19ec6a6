import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PAGES = join(__dirname, "..", "pages");

/** The class that a rule begins with: what its author means to be the page's own. */
function own(sheet: string): Set<string> {
  const plain = sheet.replace(/\/\*[\s\S]*?\*\//g, "").replace(/@media[^{]*/g, "");
  const heads = [...plain.matchAll(/([^{};]+)\{/g)].flatMap(([, head]) => (head ?? "").split(","));
  return new Set(heads.flatMap((head) => /^\s*\.([\w-]+)/.exec(head)?.[1] ?? []));
}

test("no page's sheet begins a rule with a class of another page: once loaded, a sheet stays", () => {
  const owners = new Map<string, Set<string>>();
  for (const page of readdirSync(PAGES)) {
    for (const file of readdirSync(join(PAGES, page), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".css")) continue;
      for (const name of own(readFileSync(join(PAGES, page, file), "utf8"))) {
        owners.set(name, (owners.get(name) ?? new Set()).add(page));
      }
    }
  }
  const shared = [...owners].filter(([, pages]) => pages.size > 1);
  expect(shared.map(([name, pages]) => `${name}: ${[...pages].sort().join(", ")}`)).toEqual([]);
});

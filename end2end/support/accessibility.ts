import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { expect } from "./test";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

type Violation = { id: string; impact: string | null; help: string; nodes: { target: unknown[]; failureSummary?: string }[] };

/** What axe finds on the page as it stands. */
async function violations(page: Page): Promise<Violation[]> {
  // Evaluated, not added as a script: the content security policy rightly refuses scripts that the server did not send.
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } };
    return (await axe.run({ resultTypes: ["violations"] })).violations;
  });
}

/** No serious or critical violation, in both themes. */
export async function expectAccessible(page: Page, name: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const grave = (await violations(page)).filter(({ impact }) => impact === "serious" || impact === "critical");
    const told = grave.map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.map((node) => `    ${node.target.join(" ")}: ${node.failureSummary}`).join("\n")}`);
    expect.soft(told, `${name}, ${colorScheme}`).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: null, reducedMotion: null });
}

/** Nothing reaches beyond the right edge of the window; names what does. */
export async function expectNoSidewaysScroll(page: Page, name: string) {
  const wide = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const elements = [...document.querySelectorAll("body *")];
    const beyond = elements.filter((element) => element.getBoundingClientRect().right > clientWidth);
    return [`${scrollWidth} px in a window of ${clientWidth} px`, ...beyond.map((element) => `${element.tagName}.${element.className}`)];
  });
  expect.soft(wide, `${name}: wider than the window`).toEqual([]);
}

import { test, type Page } from "@playwright/test";
import { join, resolve } from "node:path";
import { OPEN_PLACES, fillStudio } from "../support/studio";
import { hydrated } from "../support/test";

const folder = resolve(process.env.SCREENSHOTS || "screenshots");

/** One picture for each theme. */
async function take(page: Page, name: string, path: string) {
  await page.goto(path);
  if (!path.startsWith("/api/")) await hydrated(page);
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  const width = test.info().project.name;
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: join(folder, `${name}-${colorScheme}-${width}.png`), animations: "disabled" });
  }
}

test("every page", async ({ page }) => {
  for (const { name, path } of OPEN_PLACES) await take(page, name, path);
  for (const { name, path } of await fillStudio(page)) await take(page, name, path);
});

import { type Browser, test } from "@playwright/test";
import { writeFileSync } from "node:fs";
import { baseURL } from "../browser";

const ROUNDS = 7;

/** A button, and what is there once it was clicked. */
type Click = { button: string; effect: string };

const LOGIN: Click = { button: 'button[aria-label="Show the password"]', effect: 'button[aria-label="Hide the password"]' };
const PROJECT: Click = { button: ".rail__fold button", effect: '.frame[data-rail="collapsed"]' };

/** Milliseconds from the navigation's start, of browsers that were never here, until a click has its effect. */
async function rounds(browser: Browser, path: string, click: Click, cookie?: string): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const context = await browser.newContext({ baseURL });
    if (cookie) {
      const [name, value] = cookie.split("=", 2) as [string, string];
      await context.addCookies([{ name, value, url: baseURL, httpOnly: true, sameSite: "Lax" }]);
    }
    const page = await context.newPage();
    // As somebody would who cannot wait: a click each frame until one does something.
    await page.addInitScript(({ button, effect }) => {
      const look = () => {
        if (document.querySelector(effect)) {
          document.documentElement.dataset.clickWorked = String(performance.now());
          return;
        }
        document.querySelector<HTMLElement>(button)?.click();
        requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    }, click);
    await page.goto(path, { waitUntil: "commit" });
    const worked = page.locator("html[data-click-worked]");
    await worked.waitFor({ state: "attached", timeout: 30_000 });
    times.push(Number(await worked.getAttribute("data-click-worked")));
    await context.close();
  }
  return times;
}

test("the time until a click works", async ({ browser }) => {
  const { ATELIER_FIGURES: file, ATELIER_PROJECT: project, ATELIER_COOKIE: cookie } = process.env;
  if (!file || !project || !cookie) throw new Error("`cargo xtask bench first_load` says where, and as whom");
  const found = {
    login: await rounds(browser, "/login", LOGIN),
    project: await rounds(browser, project, PROJECT, cookie),
  };
  writeFileSync(file, JSON.stringify(found));
});

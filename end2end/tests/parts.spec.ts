import type { Page } from "@playwright/test";
import { PASSWORD, signUp } from "../support/accounts";
import { expect, hydrated, open, test } from "../support/test";

// The pages before the sign-in have a module of their own; from one part of the site into the other is a page load.

const ENTRANCE = /^\/pkg\/entrance\/atelier\..*\.wasm$/;
const STUDIO = /^\/pkg\/atelier\..*\.wasm$/;

/** What the page has fetched whose path is such, with the bytes that came over the wire: none from a cache. */
async function fetched(page: Page, path: RegExp): Promise<number[]> {
  const entries = await page.evaluate(() =>
    performance.getEntriesByType("resource").map((entry) => {
      const { name, transferSize } = entry as PerformanceResourceTiming;
      return { path: new URL(name).pathname, transferSize };
    }),
  );
  return entries.filter((entry) => path.test(entry.path)).map((entry) => entry.transferSize);
}

/** Marks the document, so that another can be told from it. */
const mark = (page: Page) => page.evaluate(() => (document.documentElement.dataset.marked = "yes"));
const marked = (page: Page) => page.locator("html[data-marked]");

test("who signs in has the studio's module already", async ({ page }) => {
  const email = await signUp(page);
  await page.context().clearCookies();
  await open(page, "/login?next=/workspaces/new");
  expect(await fetched(page, ENTRANCE)).toHaveLength(1);
  await expect.poll(() => fetched(page, STUDIO), { timeout: 20_000 }).toHaveLength(1);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/workspaces/new");
  await hydrated(page);
  expect(await fetched(page, STUDIO), "once, and from the cache").toEqual([0]);
  expect(await fetched(page, ENTRANCE)).toHaveLength(0);
});

test("links lead from one part into the other and back", async ({ page }) => {
  await signUp(page);
  await open(page, "/");
  await mark(page);
  const link = page.getByRole("link", { name: "Open your workspaces" });
  const [tab] = await Promise.all([page.context().waitForEvent("page"), link.click({ modifiers: ["ControlOrMeta"] })]);
  await tab.close();
  await expect(marked(page), "another tab leaves this one alone").toHaveCount(1);
  await link.click();
  await page.waitForURL("/workspaces");
  await hydrated(page);
  await expect(marked(page)).toHaveCount(0);
  await expect(page.getByRole("heading", { level: 1, name: "Workspaces" })).toBeVisible();

  await mark(page);
  await page.locator(".rail__foot summary").click();
  await page.getByRole("link", { name: "Account" }).click();
  await page.waitForURL("/account");
  await expect(marked(page), "within a part no page is loaded").toHaveCount(1);
  await page.goBack();
  await expect(page).toHaveURL("/workspaces");
  await page.goBack();
  await expect(page.getByRole("link", { name: "Open your workspaces" })).toBeVisible();
  await page.goForward();
  await expect(page.getByRole("heading", { level: 1, name: "Workspaces" })).toBeVisible();
});

test("a step back after the sign-out shows nothing of the studio", async ({ page }) => {
  await signUp(page);
  await open(page, "/workspaces/new");
  await page.locator(".rail__foot summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("/login");
  await page.goBack();
  await page.waitForURL(/\/login\?next=/);
  await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
});

import type { Page } from "@playwright/test";
import { PASSWORD, createWorkspace, newEmail, signUp } from "../support/accounts";
import { invite } from "../support/members";
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

/** What each element of the page looks like. */
const looks = (page: Page) =>
  page.evaluate(() =>
    [...document.body.querySelectorAll("*")].map((element) => {
      const style = getComputedStyle(element);
      return `${element.localName}.${element.className}: ${[...style].map((name) => `${name}: ${style.getPropertyValue(name)}`).join("; ")}`;
    }),
  );

/** Expects that a page of the entrance looks the same when it has the studio's style sheet too. */
async function wantsNoMore(page: Page, studio: string) {
  await expect(page.locator("link#style")).not.toHaveAttribute("href", studio);
  await expect(async () => {
    const before = await looks(page);
    await page.evaluate(async (href) => {
      const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href });
      document.querySelector("link#style")?.before(link);
      await new Promise((resolve) => link.addEventListener("load", resolve));
    }, studio);
    const after = await looks(page);
    await page.evaluate(() => document.querySelector("link[rel=stylesheet]:not(#style)")?.remove());
    expect(after).toEqual(before);
  }, page.url()).toPass({ timeout: 10_000 });
}

test.describe("what its pages want", () => {
  test.use({ expectedOnConsole: [/status of 4(04|22)/] });

  test("the entrance's style sheet leaves nothing out", async ({ page }) => {
    test.slow();
    await page.emulateMedia({ reducedMotion: "reduce" });
    await signUp(page);
    const studio = (await page.locator("link#style").getAttribute("href")) ?? "";
    const email = newEmail();
    const invitation = await invite(page, await createWorkspace(page), email, "member");
    for (const path of ["/", invitation, "/invite/nothing-that-was-ever-sent", "/login/second-factor", "/auth/leave"]) {
      await open(page, path);
      await wantsNoMore(page, studio);
    }
    await page.context().clearCookies();
    const links = ["/auth/confirm?type=email&token_hash=x", "/auth/callback?error=access_denied"];
    for (const path of ["/", invitation, "/login/link", "/register", "/reset", ...links]) {
      await open(page, path);
      await wantsNoMore(page, studio);
    }
    // A page that is gone as soon as the server has answered.
    await page.route(/\/api\/accept_tokens/, () => undefined);
    await open(page, "/auth/callback#access_token=a&refresh_token=b");
    await expect(page.getByRole("status")).toBeVisible();
    await wantsNoMore(page, studio);
    await expect(page.locator(".without-script")).toBeHidden();
    await open(page, "/login");
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await expect(page.locator("#field-password-note")).toContainText("do not match");
    await wantsNoMore(page, studio);
    await open(page, "/forgot");
    await page.getByLabel("Email").fill(email);
    await page.getByRole("main").locator("form").getByRole("button").click();
    await expect(page.getByLabel("Code")).toBeVisible();
    await wantsNoMore(page, studio);
  });
});

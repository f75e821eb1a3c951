import type { Browser, Page } from "@playwright/test";
import { PASSWORD, createProject, createWorkspace, newEmail, signUp } from "../support/accounts";
import { invite, section } from "../support/members";
import { expect, hydrated, open, test } from "../support/test";

// Run with JavaScript and without. Two people and a dozen pages each: an unoptimised server takes its time.
test.slow();

/** Another person, in a browser of their own. */
async function somebodyElse(browser: Browser) {
  const context = await browser.newContext();
  return await context.newPage();
}

const person = (page: Page, text: string) => section(page, "Members").getByRole("row").filter({ hasText: text });

async function register(page: Page, email: string) {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
}

/** Chooses a role; without JavaScript it has to be saved. */
async function chooseRole(page: Page, email: string, role: string) {
  const row = person(page, email);
  await row.getByRole("combobox").selectOption(role);
  const save = row.getByRole("button", { name: "Save" });
  if (await save.isVisible()) await save.click();
}

/** By the keyboard: a click waits for the popover's animation, which Chromium does not report without JavaScript. */
async function confirm(page: Page, opener: string | RegExp, name: string) {
  await page.getByRole("button", { name: opener }).click();
  await page.getByRole("dialog").getByRole("button", { name, exact: true }).press("Enter");
}

test("invite somebody who registers, sees what the role allows, gets another, and is removed", async ({ page, browser }) => {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  const project = await createProject(page, workspace, "Autumn roast");
  const email = newEmail();
  const link = await invite(page, workspace, email.toUpperCase(), "viewer");

  const guest = await somebodyElse(browser);
  await open(guest, link);
  await expect(guest.getByRole("heading", { level: 1, name: "Join Studio Nord" })).toBeVisible();
  await expect(guest.getByText(email, { exact: true })).toBeVisible();
  await guest.getByRole("link", { name: "Create an account" }).click();
  await hydrated(guest);
  await register(guest, email);
  await guest.waitForURL(link);
  await hydrated(guest);
  await guest.getByRole("button", { name: "Accept invitation" }).click();
  await guest.waitForURL(workspace);
  await expect(guest.getByRole("heading", { level: 1, name: "Studio Nord" })).toBeVisible();
  await expect(guest.getByRole("link", { name: "New project" })).toHaveCount(0);

  // A viewer sees who is here, and may change nobody and nothing.
  await open(guest, `${workspace}/settings`);
  await expect(person(guest, email)).toContainText("Viewer");
  await expect(section(guest, "Members").getByRole("combobox")).toHaveCount(0);
  await expect(section(guest, "Members").getByLabel("Email")).toHaveCount(0);
  await expect(guest.getByRole("button", { name: "Delete workspace" })).toHaveCount(0);

  // The link is used up.
  await open(guest, link);
  await expect(guest.getByRole("heading", { level: 1, name: "This invitation has been used" })).toBeVisible();

  await open(page, `${workspace}/settings`);
  await chooseRole(page, email, "member");
  await expect(person(page, email).getByRole("combobox")).toHaveValue("member");
  await open(page, `${workspace}/settings`);
  await expect(person(page, email).getByRole("combobox")).toHaveValue("member");
  await open(guest, workspace);
  await expect(guest.getByRole("link", { name: "New project" }).first()).toBeVisible();

  await confirm(page, /^Remove /, "Remove");
  await expect(person(page, email)).toHaveCount(0);
  expect((await guest.goto(project))?.status()).toBe(404);
  await guest.context().close();
});

test("an invitation is for its address alone, and ends when it is withdrawn", async ({ page, browser }) => {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  const email = newEmail();
  const link = await invite(page, workspace, email, "member");

  const guest = await somebodyElse(browser);
  const own = await signUp(guest);
  await open(guest, link);
  await expect(guest.getByRole("alert")).toContainText(`but you are signed in as ${own}`);
  await expect(guest.getByRole("button", { name: "Accept invitation" })).toHaveCount(0);
  await guest.getByRole("button", { name: "Sign out and use the other address" }).click();
  await expect(guest.getByRole("link", { name: "Create an account" })).toBeVisible();
  expect(new URL(guest.url()).pathname).toBe(link);

  await open(page, `${workspace}/settings`);
  await person(page, email).getByRole("button", { name: `Withdraw the invitation of ${email}` }).click();
  await expect(person(page, email)).toHaveCount(0);
  await open(guest, link);
  await expect(guest.getByRole("heading", { level: 1, name: "This invitation was withdrawn" })).toBeVisible();
  await open(guest, "/invite/nothing-that-was-ever-sent");
  await expect(guest.getByRole("heading", { level: 1, name: "This invitation is not valid" })).toBeVisible();
  await guest.context().close();
});

test("an API key is shown once, serves a program, and is revoked", async ({ page, request }) => {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  await open(page, `${workspace}/settings`);
  const keys = section(page, "API keys");
  await expect(keys).toContainText("No keys yet.");
  await keys.getByLabel("Name").fill("Website import");
  await keys.getByRole("button", { name: "Create key" }).click();
  const token = await page.getByLabel("The key").inputValue();
  expect(token).toMatch(/^atelier_[\w-]{43}$/);

  const ask = () => request.get(`/api/v1${workspace}`, { headers: { authorization: `Bearer ${token}` } });
  const answer = await ask();
  expect(answer.status()).toBe(200);
  expect((await answer.json()).name).toBe("Studio Nord");
  const written = await request.post(`/api/v1${workspace}/projects`, {
    headers: { authorization: `Bearer ${token}` },
    data: { name: "From a program" },
  });
  expect(written.status()).toBe(403);

  await open(page, `${workspace}/settings`);
  await expect(page.getByLabel("The key")).toHaveCount(0);
  await expect(keys.getByRole("row").filter({ hasText: "Website import" })).toContainText(token.slice(0, 14));
  await confirm(page, "Revoke Website import", "Revoke");
  await expect(keys).toContainText("No keys yet.");
  expect((await ask()).status()).toBe(401);
});

test("rename a workspace, hand it over, leave it", async ({ page, browser }) => {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  await open(page, `${workspace}/settings`);
  await page.getByLabel("Name", { exact: true }).first().fill("Studio Süd");
  await page.getByRole("button", { name: "Save", exact: true }).first().click();
  await expect(page.getByRole("navigation", { name: "Breadcrumb" })).toContainText("Studio Süd");

  const guest = await somebodyElse(browser);
  const email = await signUp(guest);
  const link = await invite(page, workspace, email, "member");
  await open(guest, link);
  await guest.getByRole("button", { name: "Accept invitation" }).click();
  await guest.waitForURL(workspace);

  await open(page, `${workspace}/settings`);
  await page.getByRole("button", { name: "Transfer ownership" }).click();
  await expect(page.getByRole("button", { name: "Delete workspace" })).toHaveCount(0);
  await confirm(page, "Leave workspace", "Leave");
  await page.waitForURL("/workspaces");
  await expect(page.getByRole("main")).not.toContainText("Studio Süd");

  await open(guest, `${workspace}/settings`);
  await guest.getByLabel("Type “Studio Süd” to confirm").fill("Studio Süd");
  await guest.getByRole("button", { name: "Delete workspace" }).click();
  await guest.waitForURL("/workspaces");
  await expect(guest.getByRole("main")).not.toContainText("Studio Süd");
  await guest.context().close();
});

test.describe("mistakes", () => {
  // The browser logs an answer that refuses, and one that never came.
  test.use({ expectedOnConsole: [/Failed to load resource: (the server responded with a status of 4\d\d|net::ERR_FAILED)/] });

  test("an invitation that ends while its page is open says so", async ({ page, browser, javaScriptEnabled }) => {
    test.skip(javaScriptEnabled === false, "without a script the page is loaded anew");
    await signUp(page);
    const workspace = await createWorkspace(page, "Studio Nord");
    const guest = await somebodyElse(browser);
    const email = await signUp(guest);
    await open(guest, await invite(page, workspace, email, "member"));
    const accept = guest.getByRole("button", { name: "Accept invitation" });

    await guest.route("**/api/**", (route) => route.abort());
    await accept.click();
    await expect(guest.getByRole("alert")).toContainText("Atelier cannot be reached");
    await expect(accept, "what cannot be asked again stays").toBeVisible();
    await guest.unroute("**/api/**");

    await open(page, `${workspace}/settings`);
    await person(page, email).getByRole("button", { name: `Withdraw the invitation of ${email}` }).click();
    await expect(person(page, email)).toHaveCount(0);
    await accept.click();
    await expect(guest.getByRole("heading", { level: 1, name: "This invitation was withdrawn" })).toBeVisible();
    await guest.context().close();
  });

  test("what is refused is told where it was asked", async ({ page }) => {
    const email = await signUp(page);
    const workspace = await createWorkspace(page, "Studio Nord");
    await open(page, `${workspace}/settings`);
    await section(page, "Members").getByLabel("Email").fill(email);
    await section(page, "Members").getByRole("button", { name: "Invite", exact: true }).click();
    await expect(section(page, "Members").getByRole("alert").first()).toContainText("is a member of this workspace already");

    await open(page, `${workspace}/settings`);
    await chooseRole(page, email, "member");
    await expect(section(page, "Members")).toContainText("A workspace needs an owner.");
    await expect(person(page, email).getByRole("combobox")).toHaveValue("owner");

    await open(page, `${workspace}/settings`);
    await page.getByLabel("Type “Studio Nord” to confirm").fill("Studio");
    await page.getByRole("button", { name: "Delete workspace" }).click();
    await expect(page.getByText("Type the workspace’s name exactly as it is.")).toBeVisible();
  });
});

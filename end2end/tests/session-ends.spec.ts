import type { Page } from "@playwright/test";
import { PASSWORD, createProject, createWorkspace, signUp } from "../support/accounts";
import { expect, hydrated, open, test } from "../support/test";
import { firstDocument, saveLine, text } from "../support/written";

// A session that ends in the middle of something loses nothing. Without JavaScript: without-script.spec.ts.

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4(01|22)/] });

const RESTORED = "Restored what you had typed.";

async function signInAgain(page: Page, email: string) {
  await page.waitForURL(/\/login\?next=/);
  await hydrated(page);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("a brief", async ({ page }) => {
  const email = await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await page.locator("#brief > summary").click();
  await page.getByLabel("Audience").fill("Grown-ups who like coffee and have little time");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Save brief" }).click();
  await signInAgain(page, email);
  await page.waitForURL(project);
  await expect(page.getByText(RESTORED)).toBeVisible();
  await expect(page.getByLabel("Audience")).toHaveValue("Grown-ups who like coffee and have little time");
  await page.getByRole("button", { name: "Save brief" }).click();
  await expect(page.getByText("Brief saved.")).toBeVisible();

  // Saved is saved: nothing is restored any more.
  await open(page, project);
  await expect(page.locator("#brief .brief__summary")).toContainText("Grown-ups");
  await expect(page.getByText(RESTORED)).toHaveCount(0);
});

test("a brief, put back as it was saved", async ({ page }) => {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await page.locator("#brief > summary").click();
  await page.getByLabel("Client").fill("Nordlys");
  await open(page, project);
  await expect(page.getByLabel("Client")).toHaveValue("Nordlys");
  await page.getByRole("button", { name: "Discard" }).click();
  await expect(page.getByLabel("Client")).toHaveValue("");
  await open(page, project);
  await expect(page.getByText(RESTORED)).toHaveCount(0);
});

test("a question", async ({ page }) => {
  const email = await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/chat`);
  const composer = page.getByLabel("Your question");
  await composer.fill("What do we say about prices?");
  await page.context().clearCookies();
  await composer.press("Enter");
  await signInAgain(page, email);
  await page.waitForURL(`${project}/chat`);
  await expect(composer).toHaveValue("What do we say about prices?");
  await composer.press("Enter");
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  // What has been asked is no draft.
  await open(page, `${project}/chat`);
  await expect(composer).toHaveValue("");
});

test("the name of a workspace, ended from another device", async ({ page, browser }) => {
  const email = await signUp(page);
  await open(page, "/workspaces/new");
  await page.getByLabel("Name").fill("Studio Süd");

  const elsewhere = await browser.newContext();
  const other = await elsewhere.newPage();
  await open(other, "/login?next=/account");
  await other.getByLabel("Email").fill(email);
  await other.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await other.getByRole("button", { name: "Sign in" }).click();
  await other.waitForURL("/account");
  await hydrated(other);
  await other.getByRole("button", { name: "Sign out everywhere" }).click();
  await other.waitForURL("/login");
  await elsewhere.close();

  await page.getByRole("button", { name: "Create workspace" }).click();
  await signInAgain(page, email);
  await page.waitForURL("/workspaces/new");
  await expect(page.getByText(RESTORED)).toBeVisible();
  await expect(page.getByLabel("Name")).toHaveValue("Studio Süd");
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.waitForURL(/\/workspaces\/[0-9a-f-]{36}$/);
  await open(page, "/workspaces/new");
  await expect(page.getByLabel("Name")).toHaveValue("");
});

test("whoever signs out leaves no drafts behind", async ({ page }) => {
  await signUp(page);
  await open(page, "/workspaces/new");
  await page.getByLabel("Name").fill("Secret merger");
  await page.locator(".rail__foot summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("/login");
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("Secret merger");
});

test("nor does a document that could not be saved", async ({ page }) => {
  await firstDocument(page);
  await page.getByLabel("Title").fill("");
  await text(page).fill("Secret merger");
  await expect(saveLine(page)).not.toContainText(/^Saved/);
  await page.locator(".rail__foot summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("/login");
  expect(await page.evaluate(() => JSON.stringify(localStorage))).not.toContain("Secret merger");
});

import type { Page } from "@playwright/test";
import { readFileSync } from "node:fs";
import { baseURL } from "../browser";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { addDocument } from "../support/documents";
import { anyone, dialog, makeLink, openDialog, press } from "../support/shares";
import { expect, open, test } from "../support/test";

// Run with JavaScript and without.
test.slow();
// A link that opens nothing is 404, which the browser logs.
test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 404/] });

const BRIEF = "# Launch of Mørketid\n\nThe roast goes on sale on the **ninth** of October.\n\n- Three shops\n- Online\n\n<script>document.title = 'hacked'</script>\n";

async function brief(page: Page) {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page, "Studio Nord"));
  return addDocument(page, project, { name: "launch.md", mimeType: "text/markdown", buffer: Buffer.from(BRIEF) });
}

/** Axe is a script itself. */
const accessible = async (page: Page, name: string) => {
  if (test.info().project.use.javaScriptEnabled !== false) await expectAccessible(page, name);
};

test("a document is shared, read signed out, downloaded, and gone when its link is revoked", async ({ page, browser }) => {
  const document = await brief(page);
  const link = await makeLink(page, document);

  const guest = await anyone(browser, link);
  expect(guest.status).toBe(200);
  expect(guest.headers["referrer-policy"]).toBe("no-referrer");
  expect(guest.headers["cache-control"]).toBe("no-store");
  expect(guest.headers["x-robots-tag"]).toContain("noindex");
  const main = guest.page.getByRole("main");
  await expect(main.getByRole("heading", { level: 1, name: "launch.md" })).toBeVisible();
  await expect(main.getByRole("heading", { level: 2, name: "Launch of Mørketid" })).toBeVisible();
  await expect(main.locator("strong")).toHaveText("ninth");
  await expect(main.getByRole("listitem").filter({ hasText: "Three shops" })).toBeVisible();
  await expect(guest.page).toHaveTitle("launch.md · Atelier");
  // Nothing of the workspace around it.
  await expect(guest.page.getByRole("navigation")).toHaveCount(0);
  await expect(guest.page.getByText("Studio Nord")).toHaveCount(0);
  await accessible(guest.page, "a shared document");
  const download = guest.page.waitForEvent("download");
  await guest.page.getByRole("link", { name: "Download" }).click();
  const file = await download;
  expect(file.suggestedFilename()).toBe("launch.md");
  expect(readFileSync(await file.path(), "utf8")).toBe(BRIEF);

  // The link is shown once; the list tells that it was opened.
  await open(page, document);
  await expect(page.getByLabel("The link", { exact: true })).toHaveCount(0);
  await openDialog(page);
  await expect(dialog(page).getByRole("listitem")).toHaveCount(1);
  await expect(dialog(page).getByRole("listitem")).toContainText("Opened once");
  await accessible(page, "the shares of a document");
  await press(page, /^Revoke/);
  await expect(dialog(page).getByRole("listitem")).toHaveCount(0);
  expect((await guest.page.goto(link))?.status()).toBe(404);
  await expect(guest.page.getByRole("heading", { level: 1, name: "This link opens nothing" })).toBeVisible();
  expect((await guest.page.request.get(`${link}/file`)).status()).toBe(404);
  await accessible(guest.page, "a link that opens nothing");
  await guest.page.context().close();
});

test("a link that has expired opens nothing, and says no more than one that never was", async ({ page, browser }) => {
  const document = await brief(page);
  const headers = { origin: new URL(baseURL).origin };
  const expires_at = new Date(Date.now() + 12_000).toISOString();
  const made = await page.request.post(`/api/v1${document}/shares`, { headers, data: { expires_at } });
  expect(made.status(), await made.text()).toBe(201);
  const link = new URL(((await made.json()) as { link: string }).link).pathname;
  const guest = await anyone(browser, link);
  expect(guest.status).toBe(200);
  await expect.poll(async () => (await guest.page.goto(link))?.status(), { timeout: 40_000 }).toBe(404);
  const told = await guest.page.getByRole("main").innerText();
  await guest.page.goto("/shared/nothing-that-was-ever-made");
  expect(await guest.page.getByRole("main").innerText()).toBe(told);
  await open(page, document);
  await openDialog(page);
  await expect(dialog(page).getByRole("listitem")).toContainText("Expired");
  await guest.page.context().close();
});

test("a link works until the day that is chosen", async ({ page }) => {
  const document = await brief(page);
  const last = new Date(Date.now() + 20 * 24 * 3600 * 1000);
  await makeLink(page, document, async (page) => {
    await expect(dialog(page).getByLabel("Last day")).toBeHidden();
    await dialog(page).getByLabel("Works for").selectOption("Until a day");
    await dialog(page).getByLabel("Last day").fill(last.toISOString().slice(0, 10));
  });
  await open(page, document);
  await openDialog(page);
  const until = last.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
  await expect(dialog(page).getByRole("listitem")).toContainText(`Works until ${until.replace("Sept", "Sep")}`);
});

test("a shared document and its dialog fit a phone", async ({ page, browser }) => {
  const document = await brief(page);
  await page.setViewportSize({ width: 390, height: 844 });
  const link = await makeLink(page, document);
  await expectNoSidewaysScroll(page, "a document");
  const guest = await anyone(browser, link, { viewport: { width: 390, height: 844 } });
  await expectNoSidewaysScroll(guest.page, "a shared document");
  await expect(guest.page.getByRole("link", { name: "Download" })).toBeInViewport();
  await guest.page.context().close();
});

test.describe("mistakes", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

  test("a day that is past is refused in words", async ({ page }) => {
    const document = await brief(page);
    await open(page, document);
    await openDialog(page);
    await dialog(page).getByLabel("Works for").selectOption("Until a day");
    await dialog(page).getByLabel("Last day").fill("2020-01-01");
    await press(page, "Create link");
    await expect(page.getByRole("alert").filter({ hasText: "Choose a day that is not past." }).first()).toBeVisible();
  });
});

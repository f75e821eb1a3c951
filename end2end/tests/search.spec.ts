import { createProject, createWorkspace, signUp } from "../support/accounts";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { documentRow } from "../support/documents";
import { BRAND_GUIDE, brandGuide } from "../support/pdf";
import { expect, open, test } from "../support/test";

// Run with JavaScript and without.

const NOTES = "# Notes\n\nThe harbour opens at nine. Nobody has said anything about money here.\n";

test("find a passage, see why, open it at its place", async ({ page }) => {
  test.setTimeout(240_000);
  await signUp(page);
  const workspace = await createWorkspace(page);
  const project = await createProject(page, workspace);

  await open(page, `${project}/search`);
  await expect(page.getByRole("heading", { name: "There is nothing to search yet" })).toBeVisible();

  // By the API, which is what the plain form speaks to.
  for (const file of [
    { name: "Nordlys brand guide.pdf", mimeType: "application/pdf", buffer: await brandGuide() },
    { name: "notes.md", mimeType: "text/markdown", buffer: Buffer.from(NOTES) },
  ]) {
    const added = await page.request.post(`/api/v1${project}/documents`, { multipart: { file }, headers: { origin: new URL(page.url()).origin } });
    expect(added.status(), await added.text()).toBeLessThan(400);
  }
  await expect(async () => {
    await open(page, `${project}/documents`);
    for (const name of ["Nordlys brand guide.pdf", "notes.md"]) {
      await expect(documentRow(page, name).locator(".document__state")).toContainText("Ready", { timeout: 1_000 });
    }
  }).toPass({ timeout: 180_000 });

  await page.getByRole("main").getByRole("link", { name: "Search" }).click();
  await page.waitForURL(`${project}/search`);
  await expect(page.getByRole("heading", { name: "Find the passage, not only the file" })).toBeVisible();

  const field = page.getByRole("searchbox", { name: "What to look for" });
  await field.fill("which words are never used beside a price");
  await field.press("Enter");
  await page.waitForURL(/\/search\?q=which/);
  const first = page.locator(".result").first();
  await expect(first).toContainText("deal, only and bargain");
  await expect(first.locator("mark").first()).toBeVisible();
  await expect(first).toContainText(/Found (mostly )?by/);
  for (const score of ["Score", "Similarity", "BM25"]) {
    await expect(first.getByRole("meter", { name: score })).toBeVisible();
  }
  await expect(field).toHaveValue("which words are never used beside a price");
  await expectNoSidewaysScroll(page, "search");
  if (test.info().project.use.javaScriptEnabled !== false) await expectAccessible(page, "search");

  // Only in the notes.
  await page.getByText("In all documents").click();
  await page.getByLabel("notes.md").check();
  await page.getByRole("button", { name: "Search" }).click();
  await page.waitForURL(/document=/);
  await expect(page.getByText("In 1 document", { exact: true })).toBeVisible();
  await expect(page.locator(".result")).toHaveCount(1);
  await expect(page.locator(".result")).toContainText("notes.md");

  await page.goBack();
  // The results of before stay until those of the address are there.
  await expect(first).toContainText("deal, only and bargain");
  await page.locator(".result").first().getByRole("link").click();
  await page.waitForURL(/\/documents\/.*#cited/);
  await expect(page.locator("#cited").first()).toContainText(BRAND_GUIDE[2]!.title);
});

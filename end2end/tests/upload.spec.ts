import type { Page, Route } from "@playwright/test";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { documentRow } from "../support/documents";
import { largePdf } from "../support/pdf";
import { expect, open, test } from "../support/test";

const NAME = "autumn brief.pdf";
const BYTES = 40 * 1024 * 1024 - 64 * 1024;
const CHUNKS = 5; // of 8 MiB

/** On the disk, so that it has the same time of change when it is chosen again. */
async function largeFile() {
  const file = test.info().outputPath(NAME);
  writeFileSync(file, new Uint8Array(await largePdf(BYTES)));
  return file;
}

/** Lets chunks pass and counts them; `stop` gets each one from number `after` on. */
async function watchChunks(page: Page, after = Infinity, stop?: (route: Route) => Promise<void>) {
  const watch = { passed: 0, after };
  await page.route(/\/api\/v1\/uploads\//, async (route) => {
    if (route.request().method() !== "PATCH") return route.continue();
    if (stop && watch.passed >= watch.after) return stop(route);
    watch.passed += 1;
    return route.continue();
  });
  return watch;
}

const choose = (page: Page, file: string) => page.locator("input[type=file]").first().setInputFiles(file);

/** The document is there, and its file is what was chosen. */
async function arrived(page: Page, file: string) {
  const link = documentRow(page, NAME).getByRole("link", { name: NAME });
  await expect(link).toBeVisible({ timeout: 60_000 });
  const stored = await page.request.get(`/api/v1${await link.getAttribute("href")}/file`);
  const hash = (bytes: Buffer) => createHash("sha256").update(new Uint8Array(bytes)).digest("hex");
  expect(hash(await stored.body())).toBe(hash(readFileSync(file)));
  expect(stored.headers().etag).toBe(`"${hash(readFileSync(file))}"`);
  await expect(documentRow(page, NAME)).toHaveCount(1);
  await expect(documentRow(page, NAME).locator(".document__state")).toContainText("Ready", { timeout: 60_000 });
}

test.describe("a large upload", () => {
  // One expression: of two, Playwright would take the second for options.
  test.use({ expectedOnConsole: [/net::ERR_/] });
  test.setTimeout(150_000);

  test.beforeEach(async ({ page }) => {
    await signUp(page);
    const project = await createProject(page, await createWorkspace(page));
    await open(page, `${project}/documents`);
  });

  test("goes on by itself when the line is back", async ({ page, context }) => {
    const file = await largeFile();
    const watch = await watchChunks(page, 2, async (route) => {
      await context.setOffline(true);
      await route.continue();
    });
    await choose(page, file);
    await expect(documentRow(page, NAME)).toContainText("Connecting again at 17 MB of 42 MB");
    watch.after = Infinity;
    await context.setOffline(false);
    await arrived(page, file);
    expect(watch.passed).toBe(CHUNKS);
  });

  test("goes on after a reload when the same file is chosen again", async ({ page }) => {
    const file = await largeFile();
    await watchChunks(page, 2, (route) => route.abort("connectionfailed"));
    await choose(page, file);
    await expect(documentRow(page, NAME)).toContainText("Connecting again");
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.reload();
    await expect(documentRow(page, NAME)).toContainText("Stopped at 17 MB of 42 MB");
    await expect(documentRow(page, NAME)).toContainText("Choose the same file again");
    await expect(page.locator("html[data-hydrated]")).toBeAttached();
    const watch = await watchChunks(page);
    await choose(page, file);
    await arrived(page, file);
    expect(watch.passed).toBe(CHUNKS - 2);
    await page.reload();
    await expect(documentRow(page, NAME)).toHaveCount(1);
  });

  test("is paused, goes on, and is stopped for good", async ({ page }) => {
    const file = await largeFile();
    const watch = await watchChunks(page, 1, async () => {});
    // Paused before the answer, the server would still be storing the chunk when it is asked how far it is, and refuse the
    // same one again: the upload goes on by itself a second later, but the browser has noted the refusal.
    const kept = page.waitForResponse((response) => response.request().method() === "PATCH");
    await choose(page, file);
    const row = documentRow(page, NAME);
    await kept;
    await expect(row).toContainText("8.4 MB of 42 MB");
    await row.getByRole("button", { name: "Pause the upload" }).click();
    await expect(row).toContainText("Paused at");
    watch.after = 3;
    await row.getByRole("button", { name: "Go on with the upload" }).click();
    await expect(row).toContainText("25 MB of 42 MB");
    await row.getByRole("button", { name: "Cancel the upload" }).click();
    await expect(row).toHaveCount(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.reload();
    await expect(page.getByRole("heading", { name: "Add the documents that hold the answers" })).toBeVisible();
  });
});

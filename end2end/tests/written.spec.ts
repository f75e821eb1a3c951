import type { Download } from "@playwright/test";
import { readFile } from "node:fs/promises";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { documentRow } from "../support/documents";
import { anyone, makeLink } from "../support/shares";
import { expect, open, test } from "../support/test";
import { firstDocument, saveLine, saved, text } from "../support/written";

const LETTER = "# Launch letter\n\nThe cellar door opens at **seven** in Ærø.\n";

test("write, and find it saved, previewed and searched", async ({ page }) => {
  test.setTimeout(180_000);
  const project = await firstDocument(page);
  const editor = new URL(page.url()).pathname;
  await page.getByLabel("Title").fill("Launch letter");
  await text(page).fill(LETTER);
  await expect(page.getByLabel("Preview").getByRole("heading", { name: "Launch letter" })).toBeVisible();
  await expect(page.getByLabel("Preview").locator("strong")).toHaveText("seven");
  await expect(saveLine(page)).toContainText("Saving");
  await saved(page);
  await page.reload();
  await expect(text(page)).toHaveValue(LETTER);
  await expect(page.getByLabel("Title")).toHaveValue("Launch letter");

  // The keys of the toolbar, and its button, which takes the mark away again.
  await open(page, editor);
  await text(page).press("Control+Home");
  await text(page).press("Shift+End");
  await text(page).press("Control+b");
  await expect(text(page)).toHaveValue(LETTER.replace("# Launch letter", "**# Launch letter**"));
  await page.getByRole("button", { name: "Bold" }).click();
  await expect(text(page)).toHaveValue(LETTER);
  await saved(page);

  // Read, listed, and found.
  await page.getByRole("link", { name: "Read" }).click();
  await page.waitForURL(editor.replace("/edit", ""));
  await expect(page.getByRole("main").getByRole("heading", { name: "Launch letter", level: 2 })).toBeVisible();
  await expect(page.getByText("Draft", { exact: true })).toBeVisible();
  await open(page, `${project}/documents`);
  await expect(documentRow(page, "Launch letter")).toHaveCount(1);
  await expect(async () => {
    await open(page, `${project}/search?q=when+does+the+cellar+door+open`);
    await expect(page.locator(".result").first()).toContainText("seven in Ærø", { timeout: 1_000 });
  }).toPass({ timeout: 120_000 });
});

test("an older version is compared, put back, shared by a link and read signed out", async ({ page, browser }) => {
  test.setTimeout(120_000);
  await firstDocument(page);
  const long = `The price is forty kroner.\n\nThis stays.\n\n${"What nobody should lose is here. ".repeat(20)}\n`;
  await text(page).fill(long);
  await expect(saveLine(page)).toContainText(/^Saved just/);
  await text(page).fill("The price is fifty kroner.\n\nThis stays.\n");
  await expect(saveLine(page)).toContainText("Saving");
  await saved(page);
  await page.getByRole("link", { name: "History" }).click();
  await page.waitForURL(/\/history$/);
  await expect(page.locator(".version")).toHaveCount(2);
  await page.getByRole("link", { name: /Version 1/ }).click();
  await page.waitForURL(/version=/);
  const diff = page.getByRole("region", { name: "From version 1 to the present text" });
  await expect(diff.locator("del").first()).toContainText("forty");
  await expect(diff.locator("ins").first()).toContainText("fifty");
  await expect(diff.locator("del .diff__word").first()).toHaveText("forty");
  await expectAccessible(page, "a version");
  await page.getByRole("button", { name: "Put this version back" }).click();
  await page.waitForURL(/\/edit$/);
  await expect(text(page)).toHaveValue(long);
  await page.getByRole("link", { name: "History" }).click();
  await expect(page.locator(".version").first()).toContainText("Version 1 put back");

  const link = await makeLink(page, new URL(page.url()).pathname.replace("/history", ""));
  const guest = await anyone(browser, link);
  expect(guest.status).toBe(200);
  // A link shows the stored copy, which follows the text by some seconds.
  await expect(async () => {
    await open(guest.page, link);
    await expect(guest.page.getByRole("article")).toContainText("forty kroner", { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await expect(guest.page.getByRole("article")).not.toContainText("fifty");
  await expect(guest.page.getByRole("navigation")).toHaveCount(0);
});

test("its status goes from draft to published, and a change makes a draft of it", async ({ page }) => {
  await firstDocument(page);
  await text(page).fill("As agreed.");
  await saved(page);
  const menu = page.locator(".status-menu");
  for (const [step, status] of [["Ask for a review", "In review"], ["Approve", "Approved"], ["Publish", "Published"]]) {
    await menu.locator("summary").click();
    await menu.getByRole("button", { name: step, exact: true }).click();
    await expect(menu.locator("summary")).toContainText(status ?? "");
  }
  await text(page).fill("As agreed, nearly.");
  await expect(menu.locator("summary")).toContainText("Draft");
});

test.describe("two windows", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 409/] });

  test("who comes second decides, and both texts are kept", async ({ page, context }) => {
    await firstDocument(page);
    await text(page).fill("The beginning.\n");
    await saved(page);
    const other = await context.newPage();
    await open(other, new URL(page.url()).pathname);
    await text(other).fill("The beginning.\n\nFrom the other window.\n");
    await saved(other);
    await expect(saveLine(other)).toContainText(/^Saved just/);

    await text(page).fill("The beginning.\n\nFrom this window.\n");
    const conflict = page.getByRole("region", { name: /has changed this document/ });
    await expect(conflict).toBeVisible();
    await expect(text(page)).toHaveValue("The beginning.\n\nFrom this window.\n");
    await conflict.getByRole("button", { name: "See the difference" }).click();
    await expect(conflict.locator("del")).toContainText("other");
    await expect(conflict.locator("ins")).toContainText("this");
    await expectAccessible(page, "a conflict");
    // What is typed before the decision is a part of it.
    await text(page).fill("The beginning.\n\nFrom this window, still.\n");
    await conflict.getByRole("button", { name: "Keep mine as a new version" }).click();
    await expect(conflict).toBeHidden();
    await saved(page);

    // The other window is the one that comes too late now, and yields.
    await text(other).fill("The beginning.\n\nFrom the other window again.\n");
    await other.getByRole("button", { name: "Go on with theirs" }).click();
    await expect(text(other)).toHaveValue("The beginning.\n\nFrom this window, still.\n");
    const texts = [];
    await open(page, `${new URL(page.url()).pathname.replace("/edit", "/history")}`);
    for (const link of await page.locator(".version").all()) texts.push((await link.getAttribute("href")) ?? "");
    const kept = [];
    for (const href of texts) {
      await open(page, href);
      await page.getByText("The whole text of this version").click();
      kept.push(await page.locator(".chosen__text .written").innerText());
    }
    for (const line of ["From the other window.", "From this window, still.", "From the other window again."]) {
      expect(kept.filter((one) => one.includes(line)).length, line).toBeGreaterThan(0);
    }
  });
});

test.describe("without a connection", () => {
  test.use({ expectedOnConsole: [/net::ERR_(INTERNET_DISCONNECTED|FAILED)/] });

  test("what is typed is kept in the browser until it is there again", async ({ page, context }) => {
    await firstDocument(page);
    const editor = new URL(page.url()).pathname;
    await text(page).fill("Typed with a connection.");
    await saved(page);
    await context.setOffline(true);
    await text(page).fill("Typed without one.");
    await expect(saveLine(page)).toContainText("offline");
    await context.setOffline(false);
    await saved(page);

    // And a window that is closed in the middle of it.
    await context.setOffline(true);
    await text(page).fill("Typed without one, and closed.");
    await expect(saveLine(page)).toContainText("offline");
    await page.close();
    await context.setOffline(false);
    const again = await context.newPage();
    await open(again, editor);
    await expect(text(again)).toHaveValue("Typed without one, and closed.");
    await saved(again);
    await again.reload();
    await expect(text(again)).toHaveValue("Typed without one, and closed.");
  });
});

test("a window that is closed before it hears of its save is nobody's rival", async ({ page, context }) => {
  await firstDocument(page);
  const editor = new URL(page.url()).pathname;
  await text(page).fill("First.");
  await saved(page);
  await expect(saveLine(page)).toContainText(/^Saved just/);

  // The save arrives; its answer does not.
  let arrived = () => {};
  const arrival = new Promise<void>((resolve) => (arrived = resolve));
  await page.route(/\/api\/save_text/, async (route) => {
    await route.fetch();
    arrived();
  });
  await text(page).fill("First. Second.");
  await arrival;
  await text(page).fill("First. Second. Third.");
  await page.close();

  const again = await context.newPage();
  await open(again, editor);
  await expect(text(again)).toHaveValue("First. Second. Third.");
  await saved(again);
  await expect(again.getByRole("region", { name: /has changed this document/ })).toHaveCount(0);
  await again.reload();
  await expect(text(again)).toHaveValue("First. Second. Third.");
});

test("it is exported as Markdown, Word and PDF", async ({ page }) => {
  await firstDocument(page);
  await page.getByLabel("Title").fill("Größe");
  await text(page).fill(LETTER);
  await saved(page);
  const read = async (download: Download) => readFile(await download.path());
  for (const [name, extension, beginning] of [["Markdown", "md", "# Launch"], ["Word", "docx", "PK"], ["PDF", "pdf", "%PDF-"]] as const) {
    await page.locator(".export-menu summary").click();
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name, exact: true }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`Größe.${extension}`);
    expect((await read(file)).subarray(0, beginning.length).toString()).toBe(beginning);
  }
});

test("it fits a phone, one view at a time", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await firstDocument(page);
  await text(page).fill(`${LETTER}\n| a | b |\n|---|---|\n| ${"wide ".repeat(30)} | c |\n`);
  await expect(page.getByLabel("Preview")).toBeHidden();
  await expectNoSidewaysScroll(page, "editor on a phone");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByLabel("Preview")).toBeVisible();
  await expect(text(page)).toBeHidden();
  await expectNoSidewaysScroll(page, "preview on a phone");
  await expectAccessible(page, "preview on a phone");
});

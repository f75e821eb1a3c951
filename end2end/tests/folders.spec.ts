import type { Page } from "@playwright/test";
import { baseURL } from "../browser";
import { expectAccessible } from "../support/accessibility";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { documentRow, fromMenu, newFolder, upload } from "../support/documents";
import { expect, hydrated, open, test } from "../support/test";

// Run with JavaScript and without, but for what only a script can do.

const hasScripts = () => test.info().project.use.javaScriptEnabled !== false;

const note = (name: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(`The ${name} is due in May.`) });

/** Adds a file to the folder in view. */
async function add(page: Page, name: string) {
  await upload(page, note(name));
  if (!hasScripts()) await page.getByRole("button", { name: "Upload" }).click();
  await expect(documentRow(page, name).getByRole("link", { name })).toBeVisible();
}

async function enter(page: Page, name: string) {
  await documentRow(page, name).getByRole("link", { name }).click();
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await hydrated(page);
}

/** Does something to the project in view as a program does. */
async function call(page: Page, path: string, data: object) {
  const project = /\/projects\/[^/]+/.exec(new URL(page.url()).pathname)?.[0];
  const headers = { origin: new URL(baseURL).origin };
  const answer = await page.request.post(`/api/v1${project}/${path}`, { headers, data });
  expect(answer.ok(), await answer.text()).toBe(true);
  return answer;
}

/** The ids of new folders. */
async function folders(page: Page, count: number) {
  const made: string[] = [];
  for (let number = 1; number <= count; number++) {
    const answer = await call(page, "folders", { name: `Folder ${number}` });
    made.push(((await answer.json()) as { id: string }).id);
  }
  return made;
}

const select = (page: Page, name: string) => documentRow(page, name).getByRole("checkbox").check();

/** Moves what is selected. */
async function moveTo(page: Page, place: string) {
  await page.getByRole("form", { name: "What is selected" }).getByRole("button", { name: "Move", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Move to" });
  await dialog.getByRole("radio", { name: place, exact: true }).check();
  await dialog.getByRole("button", { name: "Move here" }).click();
  await expect(dialog).toBeHidden();
}

test.beforeEach(async ({ page }) => {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);
});

test("folders in folders, an upload into one, and a move", async ({ page }) => {
  await newFolder(page, "Briefs");
  await enter(page, "Briefs");
  await expect(page.getByRole("heading", { name: "This folder is empty" })).toBeVisible();
  await newFolder(page, "Autumn");
  await enter(page, "Autumn");
  await add(page, "brief.txt");
  const path = page.getByRole("navigation", { name: "Breadcrumb" });
  await expect(path).toContainText("Documents");
  await path.getByRole("link", { name: "Briefs" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Briefs" })).toBeVisible();
  await expect(documentRow(page, "Autumn")).toContainText("1 item");
  await expect(documentRow(page, "brief.txt")).toHaveCount(0);

  await add(page, "prices.txt");
  await select(page, "prices.txt");
  await moveTo(page, "Autumn");
  await expect(documentRow(page, "prices.txt")).toHaveCount(0);
  await expect(documentRow(page, "Autumn")).toContainText("2 items");
  await select(page, "Autumn");
  await moveTo(page, "Top of the project");
  await expect(documentRow(page, "Autumn")).toHaveCount(0);
  await path.getByRole("link", { name: "Documents" }).click();
  await enter(page, "Autumn");
  await expect(documentRow(page, "prices.txt")).toBeVisible();
  await expect(documentRow(page, "brief.txt")).toBeVisible();
});

test("a folder is renamed", async ({ page }) => {
  await newFolder(page, "Brefs");
  await fromMenu(page, "Brefs", "Rename");
  const dialog = page.getByRole("dialog", { name: "Rename the folder" });
  await dialog.getByLabel("Name").fill("Briefs");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(documentRow(page, "Briefs").getByRole("link", { name: "Briefs", exact: true })).toBeVisible();
  await expect(documentRow(page, "Brefs")).toHaveCount(0);
});

test("into the trash, back, and gone for good", async ({ page }) => {
  await newFolder(page, "Briefs");
  await enter(page, "Briefs");
  await add(page, "brief.txt");
  await add(page, "prices.txt");
  await fromMenu(page, "brief.txt", "Move to trash");
  await expect(documentRow(page, "brief.txt")).toHaveCount(0);
  // Chosen together, by the bar.
  await select(page, "prices.txt");
  await page.getByRole("form", { name: "What is selected" }).getByRole("button", { name: "Move to trash" }).click();
  await expect(documentRow(page, "prices.txt")).toHaveCount(0);

  await page.getByRole("main").getByRole("link", { name: "Trash", exact: true }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Trash" })).toBeVisible();
  await hydrated(page);
  await expect(documentRow(page, "brief.txt")).toContainText("From Briefs");
  await page.getByRole("button", { name: "Restore brief.txt" }).click();
  await expect(documentRow(page, "brief.txt")).toHaveCount(0);
  await page.getByRole("button", { name: "Delete for good: prices.txt" }).click();
  await page.getByRole("dialog", { name: /^Delete prices\.txt for good/ }).getByRole("button", { name: "Delete for good" }).click();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await expect(documentRow(page, "prices.txt")).toHaveCount(0);

  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Documents" }).click();
  await enter(page, "Briefs");
  await expect(documentRow(page, "brief.txt")).toBeVisible();
  await expect(documentRow(page, "prices.txt")).toHaveCount(0);
});

test("a folder goes with what is in it, and the trash is emptied", async ({ page }) => {
  await newFolder(page, "Briefs");
  await enter(page, "Briefs");
  await add(page, "brief.txt");
  await page.getByRole("navigation", { name: "Breadcrumb" }).getByRole("link", { name: "Documents" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Documents" })).toBeVisible();
  await fromMenu(page, "Briefs", "Move to trash");
  await expect(page.getByRole("heading", { name: "Add the documents that hold the answers" })).toBeVisible();
  await page.getByRole("main").getByRole("link", { name: "Trash", exact: true }).click();
  await hydrated(page);
  await expect(documentRow(page, "Briefs")).toContainText("With 1 document");
  await page.getByRole("button", { name: "Empty the trash" }).click();
  await page.getByRole("button", { name: "Delete all" }).click();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
});

test("when nothing is left of a page of the trash, what else is there is shown", async ({ page }) => {
  const made = await folders(page, 51);
  await call(page, "trash", { folders: made });
  await page.getByRole("main").getByRole("link", { name: "Trash", exact: true }).click();
  await hydrated(page);
  const rows = page.getByRole("row").filter({ hasText: "Folder " });
  await expect(rows).toHaveCount(50);
  await page.getByRole("link", { name: "Show more" }).click();
  await expect(rows).toHaveCount(1);
  await page.getByRole("button", { name: /^Restore Folder/ }).click();
  await expect(rows).toHaveCount(50);
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toHaveCount(0);
});

test.describe("what cannot be restored", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 404/] });

  test("is told once", async ({ page }) => {
    const made = await folders(page, 2);
    await call(page, "trash", { folders: made });
    await page.getByRole("main").getByRole("link", { name: "Trash", exact: true }).click();
    await hydrated(page);
    // By somebody else.
    await call(page, "trash/restore", { folders: made.slice(0, 1) });
    await page.getByRole("button", { name: "Restore Folder 1" }).click();
    const told = page.locator(".toast, .form-error:not([hidden])");
    await expect(told).toHaveCount(1);
    await expect(told).not.toBeEmpty();
    await expect(documentRow(page, "Folder 2")).toBeVisible();
  });
});

test("the page of a document in the trash says so, and offers the way back", async ({ page }) => {
  await add(page, "brief.txt");
  await documentRow(page, "brief.txt").getByRole("link", { name: "brief.txt" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "brief.txt" })).toBeVisible();
  await hydrated(page);
  await page.getByRole("button", { name: "Move to trash" }).click();
  const banner = page.getByRole("region", { name: "In the trash" });
  await expect(banner).toContainText("This document is in the trash");
  await expect(page.getByRole("button", { name: "Move to trash" })).toHaveCount(0);
  if (hasScripts()) await expectAccessible(page, "a document in the trash");
  await banner.getByRole("button", { name: "Restore" }).click();
  await expect(banner).toHaveCount(0);
  await page.getByRole("button", { name: "Move to trash" }).click();
  await banner.getByRole("button", { name: "Delete for good" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete for good" }).click();
  await page.waitForURL(/\/trash$/);
  await expect(page.getByRole("heading", { name: "The trash is empty" })).toBeVisible();
});

test.describe("a name that is taken", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 409/] });

  test("is told where it was typed", async ({ page }) => {
    await newFolder(page, "Briefs");
    await page.getByRole("button", { name: "New folder" }).click();
    const dialog = page.getByRole("dialog", { name: "New folder" });
    await dialog.getByLabel("Name").fill("BRIEFS");
    await dialog.getByRole("button", { name: "Create folder" }).click();
    const told = hasScripts() ? dialog : page.getByRole("main");
    await expect(told.getByRole("alert").filter({ hasText: "There is a folder named" }).first()).toBeVisible();
  });
});

test.describe("with scripts", () => {
  test.beforeEach(() => test.skip(!hasScripts(), "what only a script can do"));

  test("what went into the trash, or elsewhere, is taken back at once", async ({ page }) => {
    await newFolder(page, "Briefs");
    await add(page, "brief.txt");
    await fromMenu(page, "brief.txt", "Move to trash");
    await expect(documentRow(page, "brief.txt")).toHaveCount(0);
    const undo = page.getByRole("status").getByRole("button", { name: "Undo" });
    await undo.click();
    await expect(documentRow(page, "brief.txt")).toBeVisible();
    await fromMenu(page, "Briefs", "Move to trash");
    await expect(documentRow(page, "Briefs")).toHaveCount(0);
    await undo.click();
    await expect(documentRow(page, "Briefs")).toBeVisible();

    // One row, by its own menu.
    await fromMenu(page, "brief.txt", "Move");
    const dialog = page.getByRole("dialog", { name: "Move to" });
    await dialog.getByRole("radio", { name: "Briefs" }).check();
    await dialog.getByRole("button", { name: "Move here" }).click();
    await expect(documentRow(page, "brief.txt")).toHaveCount(0);
    await expect(documentRow(page, "Briefs")).toContainText("1 item");
    await undo.click();
    await expect(documentRow(page, "brief.txt")).toBeVisible();
    await expect(documentRow(page, "Briefs")).toContainText("0 items");
    await page.reload();
    await expect(documentRow(page, "brief.txt")).toBeVisible();
  });

  test("what is selected is counted, and no folder goes into itself", async ({ page }) => {
    await newFolder(page, "Briefs");
    await newFolder(page, "Assets");
    await add(page, "brief.txt");
    const bar = page.getByRole("form", { name: "What is selected" });
    await expect(bar).toBeHidden();
    await page.getByLabel("Select all").check();
    await expect(bar).toContainText("3 items selected");
    await documentRow(page, "Assets").getByRole("checkbox").uncheck();
    await expect(bar).toContainText("2 items selected");
    await expectAccessible(page, "a selection");
    await bar.getByRole("button", { name: "Move", exact: true }).click();
    const dialog = page.getByRole("dialog", { name: "Move to" });
    await expect(dialog.getByRole("radio", { name: "Briefs" })).toBeDisabled();
    await expectAccessible(page, "the places to move to");
    await dialog.getByRole("radio", { name: "Assets" }).check();
    await dialog.getByRole("button", { name: "Move here" }).click();
    await expect(documentRow(page, "brief.txt")).toHaveCount(0);
    await expect(bar).toBeHidden();
    await enter(page, "Assets");
    await expect(documentRow(page, "Briefs")).toBeVisible();
    await expectAccessible(page, "a folder");
  });

  test("arrow keys go from row to row, and a key chooses one", async ({ page }) => {
    await newFolder(page, "Assets");
    await newFolder(page, "Briefs");
    await add(page, "brief.txt");
    const link = (name: string) => documentRow(page, name).getByRole("link", { name, exact: true });
    await link("Assets").focus();
    await page.keyboard.press("ArrowDown");
    await expect(link("Briefs")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(link("brief.txt")).toBeFocused();
    await page.keyboard.press("ArrowDown");
    await expect(link("brief.txt")).toBeFocused();
    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("x");
    await expect(documentRow(page, "Briefs").getByRole("checkbox")).toBeChecked();
    await expect(page.getByRole("form", { name: "What is selected" })).toContainText("1 item selected");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1, name: "Briefs" })).toBeVisible();
  });

  test("a deletion elsewhere and a restoration are seen as they happen", async ({ page, context }) => {
    await add(page, "brief.txt");
    const other = await context.newPage();
    await open(other, new URL(page.url()).pathname);
    await fromMenu(other, "brief.txt", "Move to trash");
    await expect(documentRow(page, "brief.txt")).toHaveCount(0);
    await other.getByRole("status").getByRole("button", { name: "Undo" }).click();
    await expect(documentRow(page, "brief.txt")).toBeVisible();
  });

  test("an upload goes on while another folder is in view", async ({ page }) => {
    await newFolder(page, "Briefs");
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\/api\/v1\/uploads\//, async (route) => {
      if (route.request().method() === "PATCH") await held;
      await route.continue();
    });
    await upload(page, note("slow.txt"));
    await expect(documentRow(page, "slow.txt")).toBeVisible();
    await enter(page, "Briefs");
    await expect(documentRow(page, "slow.txt")).toHaveCount(0);
    release();
    await page.goBack();
    await expect(documentRow(page, "slow.txt").getByRole("link", { name: "slow.txt" })).toBeVisible();
    await enter(page, "Briefs");
    await expect(page.getByRole("heading", { name: "This folder is empty" })).toBeVisible();
  });
});

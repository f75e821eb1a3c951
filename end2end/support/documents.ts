import type { Page } from "@playwright/test";
import { expect } from "./test";

export type File = { name: string; mimeType: string; buffer: Buffer };

/** Chooses files on a project's page of documents. */
export async function upload(page: Page, ...files: File[]) {
  await page.locator("input[type=file]").first().setInputFiles(files);
}

/** The row of a document, or of its upload, by its file's name. */
export const documentRow = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

/** Makes a folder in the place in view. */
export async function newFolder(page: Page, name: string) {
  await page.getByRole("button", { name: "New folder" }).click();
  const dialog = page.getByRole("dialog", { name: "New folder" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByRole("button", { name: "Create folder" }).click();
  await expect(documentRow(page, name)).toBeVisible();
}

/** Chooses something in the menu of a row. */
export async function fromMenu(page: Page, name: string, choice: string) {
  await documentRow(page, name).locator("summary").click();
  await documentRow(page, name).getByRole("button", { name: choice, exact: true }).click();
}

/** Types a question and sends it. */
export async function ask(page: Page, question: string) {
  const composer = page.getByRole("main").getByRole("textbox").last();
  await composer.fill(question);
  await expect(composer).toHaveValue(question);
  await composer.press("Enter");
}

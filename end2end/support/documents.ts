import type { Page } from "@playwright/test";
import { expect } from "./test";

export type File = { name: string; mimeType: string; buffer: Buffer };

/** Chooses files on a project's page of documents. */
export async function upload(page: Page, ...files: File[]) {
  await page.locator("input[type=file]").first().setInputFiles(files);
}

/** The row of a document, or of its upload, by its file's name. */
export const documentRow = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });

/** Types a question and sends it. */
export async function ask(page: Page, question: string) {
  const composer = page.getByRole("main").getByRole("textbox").last();
  await composer.fill(question);
  await expect(composer).toHaveValue(question);
  await composer.press("Enter");
}

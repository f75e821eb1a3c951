import type { Page } from "@playwright/test";
import { expect, hydrated } from "./test";

/** Begins a document on a project's page of documents; ends in its editor. */
export async function newDocument(page: Page) {
  await page.getByRole("button", { name: "New document" }).click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}\/edit$/);
  await hydrated(page);
  await expect(text(page)).toBeVisible();
}

export const text = (page: Page) => page.getByLabel("Text, in Markdown");

export const saveLine = (page: Page) => page.locator(".save-line");

/** Waits until the server has what is typed. */
export const saved = (page: Page) => expect(saveLine(page)).toContainText(/^Saved/);

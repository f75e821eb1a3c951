import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "./accounts";
import { expect, hydrated, open } from "./test";

/** Begins a document on a project's page of documents; ends in its editor. */
export async function newDocument(page: Page) {
  await page.getByRole("button", { name: "New document" }).click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}\/edit$/);
  await hydrated(page);
  await expect(text(page)).toBeVisible();
}

/** Makes an account, a workspace and a project, and begins a document in it; returns the project's address. */
export async function firstDocument(page: Page) {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);
  await newDocument(page);
  return project;
}

export const text = (page: Page) => page.getByLabel("Text, in Markdown");

export const saveLine = (page: Page) => page.locator(".save-line");

/** Waits until the server has what is typed. */
export const saved = (page: Page) => expect(saveLine(page)).toContainText(/^Saved/);

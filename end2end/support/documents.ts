import type { Page } from "@playwright/test";
import { baseURL } from "../browser";
import { expect } from "./test";

export type File = { name: string; mimeType: string; buffer: Buffer };

/** Chooses files on a project's page of documents. */
export async function upload(page: Page, ...files: File[]) {
  await page.locator("input[type=file]").first().setInputFiles(files);
}

/** Adds a document as a program does, on any page, and waits until it is read; returns its page's address. */
export async function addDocument(page: Page, project: string, file: File) {
  const origin = new URL(baseURL).origin;
  const made = await page.request.post(`/api/v1${project}/documents`, { headers: { origin }, multipart: { file } });
  expect(made.status(), await made.text()).toBe(201);
  const [{ id }] = (await made.json()) as [{ id: string }];
  const state = async () => ((await (await page.request.get(`/api/v1/documents/${id}`)).json()) as { state: string }).state;
  await expect.poll(state, { timeout: 60_000 }).toBe("ready");
  return `/documents/${id}`;
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

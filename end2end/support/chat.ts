import type { Locator, Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "./accounts";
import { documentRow } from "./documents";
import { expect, hydrated, open } from "./test";

const DOCUMENTS = {
  "Terms.md": "# Returns\n\nCustomers may return goods within 30 days of delivery. The goods must be unused.\n\n# Postage\n\nStandard postage costs 4.90 euros. Gold members pay no postage.\n",
  "Rates.md": "# Express\n\nExpress postage costs 19 euros. Express takes one day.\n",
};

/** Signs up and makes a project with the documents Terms.md and Rates.md, ready to be asked; returns its address. */
export async function askableProject(page: Page) {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page), "Shop");
  const origin = new URL(page.url()).origin;
  for (const [name, text] of Object.entries(DOCUMENTS)) {
    const file = { name, mimeType: "text/markdown", buffer: Buffer.from(text) };
    const added = await page.request.post(`/api/v1${project}/documents`, { multipart: { file }, headers: { origin } });
    expect(added.status(), await added.text()).toBeLessThan(400);
  }
  await expect(async () => {
    await open(page, `${project}/documents`);
    for (const name of Object.keys(DOCUMENTS)) {
      await expect(documentRow(page, name).locator(".document__state")).toContainText("Ready", { timeout: 1_000 });
    }
  }).toPass({ timeout: 120_000 });
  return project;
}

/** Sends a question by the button, as whoever has no scripts does, and waits until its answer is whole. */
export async function sendQuestion(page: Page, question: string) {
  const answers = await page.locator(".answer").count();
  await page.getByRole("textbox", { name: /^(Your question|Ask another question)$/ }).fill(question);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await expect(page.locator(".answer")).toHaveCount(answers + 1, { timeout: 30_000 });
  await answered(page);
}

/** The last answer is whole. */
export async function answered(page: Page) {
  await expect(page.locator(".answer").last()).toHaveAttribute("data-state", "complete", { timeout: 60_000 });
  await hydrated(page);
}

/** Begins a conversation; returns its address. */
export async function beginConversation(page: Page, project: string, question: string) {
  await open(page, `${project}/chat`);
  await sendQuestion(page, question);
  return new URL(page.url()).pathname;
}

/** Chooses something in the menu of the conversation in view. */
export async function chooseAction(page: Page, name: string) {
  await page.locator(".conversation-menu summary").click();
  await page.locator(".conversation-menu .menu__item", { hasText: name }).click();
}

/** Goes by Tab until the element has the focus, as whoever has no mouse does. */
export async function tabTo(page: Page, target: Locator) {
  for (let presses = 0; presses < 80; presses++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`Tab does not reach ${target}`);
}

import type { Page } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { answered, askableProject, sendQuestion, tabTo } from "../support/chat";
import { expect, open, test } from "../support/test";

test.describe.configure({ timeout: 240_000 });

const markdown = (name: string, text: string) => ({ name, mimeType: "text/markdown", buffer: Buffer.from(text) });
const MINUTES = markdown("Minutes.md", "# Minutes\n\nThe launch of the autumn roast is on the third of May.\n");
const CUPS = markdown("Cups.md", "# Cups\n\nThe autumn cup is painted purple.\n");

const input = (page: Page) => page.getByLabel("Attach files");
const composed = (page: Page) => page.locator(".attachments--composer .attachment");
/** What came with the last question. */
const attached = (page: Page) => page.locator(".message:has(.question)").last().locator(".attachment");

/** Drops a file onto the thread, as a file manager does. */
async function drop(page: Page, name: string, text: string) {
  const data = await page.evaluateHandle(
    ([name, text]) => {
      const data = new DataTransfer();
      data.items.add(new File([text as string], name as string, { type: "text/markdown" }));
      return data;
    },
    [name, text],
  );
  const thread = page.locator(".thread");
  await thread.dispatchEvent("dragenter", { dataTransfer: data });
  await expect(page.locator(".drop-zone")).toBeVisible();
  await thread.dispatchEvent("drop", { dataTransfer: data });
  await expect(page.locator(".drop-zone")).toBeHidden();
}

test("files come with a question, its answer cites them, and they are still there after a reload", async ({ page }) => {
  const project = await askableProject(page);
  await open(page, `${project}/chat`);
  await input(page).setInputFiles([MINUTES, CUPS]);
  await expect(composed(page)).toHaveCount(2, { timeout: 30_000 });
  await drop(page, "Guests.md", "# Guests\n\nForty guests are invited.\n");
  for (const name of ["Minutes.md", "Cups.md", "Guests.md"]) {
    await expect(composed(page).getByRole("link", { name })).toBeVisible({ timeout: 30_000 });
  }
  await expectAccessible(page, "files to attach");
  await expectNoSidewaysScroll(page, "files to attach");

  // What is not sent yet outlives a reload, and can be taken off.
  await open(page, `${project}/chat`);
  await expect(composed(page)).toHaveCount(3);
  await page.getByRole("button", { name: "Take Guests.md off" }).click();
  await expect(composed(page)).toHaveCount(2);

  await sendQuestion(page, "Which colour is the autumn cup?");
  const source = page.locator(".answer").last().getByRole("link", { name: /Cups\.md/ }).first();
  await expect(source).toBeVisible();
  await expect(composed(page)).toHaveCount(0);
  await expect(attached(page)).toHaveCount(2);
  await expect(attached(page).filter({ hasText: "Cups.md" })).toContainText("Markdown");
  await open(page, new URL(page.url()).pathname);
  await expect(attached(page)).toHaveCount(2);
  await expect(composed(page)).toHaveCount(0);
  await expectAccessible(page, "a question with files");

  // A later question knows them, and another version of the first keeps them.
  await sendQuestion(page, "When is the launch of the autumn roast?");
  await expect(page.locator(".answer").last().getByRole("link", { name: /Minutes\.md/ }).first()).toBeVisible();
  await page.locator(".edit summary").first().click();
  await page.getByRole("textbox", { name: "Another version of the question" }).first().fill("How is the autumn cup painted?");
  await page.getByRole("button", { name: "Ask this instead" }).first().click();
  await expect(page.locator(".question")).toHaveText(["How is the autumn cup painted?"]);
  await answered(page);
  await expect(attached(page)).toHaveCount(2);

  // It is a document like any other.
  await attached(page).filter({ hasText: "Cups.md" }).getByRole("link").click();
  await expect(page.getByRole("heading", { name: "Cups.md" })).toBeVisible();
  const document = new URL(page.url()).pathname;
  const origin = new URL(page.url()).origin;
  const deleted = await page.request.delete(`/api/v1${document}`, { headers: { origin } });
  expect(deleted.status()).toBe(204);
  await page.goBack();
  await page.reload();
  await expect(attached(page).filter({ hasText: "Cups.md" })).toContainText("in the trash");
});

test("at phone width, by keyboard alone, with a file from the clipboard", async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 800 });
  const project = await askableProject(page);
  await open(page, `${project}/chat`);
  await tabTo(page, input(page));
  const chooser = page.waitForEvent("filechooser");
  await page.keyboard.press("Space");
  await (await chooser).setFiles([CUPS]);
  await expect(composed(page).getByRole("link", { name: "Cups.md" })).toBeVisible({ timeout: 30_000 });

  const question = page.getByRole("textbox", { name: "Your question" });
  await question.evaluate((area) => {
    const data = new DataTransfer();
    data.items.add(new File(["# Notes\n\nThe cup holds 20 centilitres.\n"], "Notes.md", { type: "text/markdown" }));
    area.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  });
  await expect(composed(page).getByRole("link", { name: "Notes.md" })).toBeVisible({ timeout: 30_000 });
  await tabTo(page, page.getByRole("button", { name: "Take Notes.md off" }));
  await page.keyboard.press("Enter");
  await expect(composed(page)).toHaveCount(1);
  await expectNoSidewaysScroll(page, "files to attach");

  await tabTo(page, question);
  await page.keyboard.type("Which colour is the autumn cup?");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await answered(page);
  await expect(page.locator(".answer").last().getByRole("link", { name: /Cups\.md/ }).first()).toBeVisible();
  await expect(attached(page)).toHaveCount(1);
  await expectNoSidewaysScroll(page, "a question with files");
  await expectAccessible(page, "a question with files at phone width");
});

test("whoever may only read asks without files", async ({ page, browser }) => {
  await signUp(page);
  const workspace = await createWorkspace(page);
  const project = await createProject(page, workspace, "Shop");
  const headers = { origin: new URL(page.url()).origin };
  const guest = await (await browser.newContext()).newPage();
  const email = await signUp(guest);
  const invited = await page.request.post(`/api/v1${workspace}/invitations`, { headers, data: { email, role: "viewer" } });
  const { link } = (await invited.json()) as { link: string };
  const token = new URL(link).pathname.split("/").pop();
  const accepted = await guest.request.post("/api/v1/invitations/accept", { headers, data: { token } });
  expect(accepted.status(), await accepted.text()).toBe(200);
  await open(guest, `${project}/chat`);
  await expect(guest.getByRole("textbox", { name: "Your question" })).toBeVisible();
  await expect(input(guest)).toHaveCount(0);
  await open(page, `${project}/chat`);
  await expect(input(page)).toHaveCount(1);
});

test.describe("with a file that cannot be taken", () => {
  test.use({ expectedOnConsole: [/status of 422/] });

  test("it is named with what to do, and the question waits for the others", async ({ page }) => {
    await signUp(page);
    const project = await createProject(page, await createWorkspace(page), "Shop");
    let release = () => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\/api\/v1\/uploads\//, async (route) => {
      if (route.request().method() === "PATCH") await released;
      await route.continue();
    });
    await open(page, `${project}/chat`);
    await input(page).setInputFiles([CUPS, { name: "program.exe", mimeType: "application/octet-stream", buffer: Buffer.from("MZ\0\0") }]);
    await expect(composed(page)).toHaveCount(2);
    await expect(page.getByText("Uploading. The question can be sent when its files are there.")).toBeVisible();
    const question = page.getByRole("textbox", { name: "Your question" });
    await question.fill("Which colour is the autumn cup?");
    await question.press("Enter");
    await expect(question).toHaveValue("Which colour is the autumn cup?");
    release();
    await expect(composed(page).filter({ hasText: "program.exe" }).getByRole("alert")).toBeVisible();
    await expect(composed(page).getByRole("link", { name: "Cups.md" })).toBeVisible();
    await page.getByRole("button", { name: "Take program.exe off" }).click();
    await question.press("Enter");
    await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
    await answered(page);
    await expect(attached(page)).toHaveCount(1);
  });

  test("more than ten are not taken", async ({ page }) => {
    await signUp(page);
    const project = await createProject(page, await createWorkspace(page), "Shop");
    await open(page, `${project}/chat`);
    const files = Array.from({ length: 11 }, (_, number) => markdown(`File ${number}.md`, `Text ${number}.\n`));
    await input(page).setInputFiles(files);
    await expect(page.getByText("A question takes 10 files.")).toBeVisible();
    await expect(composed(page)).toHaveCount(10);
  });
});

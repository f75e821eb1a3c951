import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { documentRow, upload } from "../support/documents";
import { embeddingModel } from "../support/models";
import { dialog, openDialog, press } from "../support/shares";
import { testWithServer as test } from "../support/server";
import { expect, hydrated, open } from "../support/test";

// On a server of its own, whose file store is that of the common one, with a public address.

test.setTimeout(180_000);

const PUBLIC = "https://files.studio-nord.example";

function bucket(): Record<string, string> {
  const data = dirname(dirname(process.env.ATELIER_KEYS ?? ""));
  const { store } = JSON.parse(readFileSync(join(data, "running.json"), "utf8"));
  return { R2_ENDPOINT: store.endpoint, R2_ACCESS_KEY: store.access_key, R2_SECRET_KEY: store.secret_key, R2_BUCKET: store.bucket };
}

test("a document is published, and withdrawn", async ({ page, server }) => {
  await server.start({ ...bucket(), R2_PUBLIC_URL: PUBLIC });
  await signUp(page);
  const workspace = await createWorkspace(page);
  const project = await createProject(page, workspace);
  await open(page, `${project}/documents`);
  await upload(page, { name: "press.md", mimeType: "text/markdown", buffer: Buffer.from("# Press\n\nFor everybody.\n") });
  await documentRow(page, "press.md").getByRole("link", { name: "press.md" }).click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}$/);
  await hydrated(page);
  const document = new URL(page.url()).pathname.split("/").at(-1);

  await openDialog(page);
  const section = dialog(page).getByRole("region", { name: "Public address" });
  await expect(section).toContainText("can be read by everybody");
  await expectAccessible(page, "a dialog of what is not published");
  // It is asked for first.
  const question = page.getByRole("dialog", { name: "Publish this document for everybody?" });
  const link = section.getByRole("link");
  await press(page, "Publish");
  await expect(question).toBeVisible();
  await expectAccessible(page, "the question before a document is published");
  await question.getByRole("button", { name: "Cancel" }).press("Enter");
  await expect(question).toBeHidden();
  await expect(link).toHaveCount(0);
  await press(page, "Publish");
  await question.getByRole("button", { name: "Publish for everybody" }).press("Enter");
  await expect(link).toHaveAttribute("href", `${PUBLIC}${workspace}/public/${document}`);
  await expect(section).toContainText("Published by");
  await expectAccessible(page, "a dialog of what is published");
  await page.setViewportSize({ width: 390, height: 844 });
  await expectNoSidewaysScroll(page, "the dialog of a published document");
  await page.reload();
  await hydrated(page);
  await openDialog(page);
  await expect(link).toBeVisible();
  await press(page, "Withdraw");
  await expect(link).toHaveCount(0);
  await expect(dialog(page).getByRole("button", { name: "Publish" })).toBeVisible();
});

test("what somebody has open on a document stays open when it has been read", async ({ page, server }) => {
  const model = await embeddingModel("Press kit");
  await server.start(model.variables);
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);
  await upload(page, { name: "press.txt", mimeType: "text/plain", buffer: Buffer.from("Press kit\n\nFor everybody.\n") });
  await documentRow(page, "press.txt").getByRole("link", { name: "press.txt" }).click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}$/);
  await hydrated(page);
  const facts = page.getByRole("list", { name: "Facts" });
  await openDialog(page);
  const days = dialog(page).getByLabel("Works for");
  await days.selectOption("30");
  await expect(facts).not.toContainText("Ready");

  const drawnAnew = page.waitForResponse(/\/api\/open_document/);
  model.release();
  await expect(facts).toContainText("Ready", { timeout: 60_000 });
  await drawnAnew;
  // The answer takes longer than to draw the page.
  await press(page, "Create link");
  await expect(page.getByLabel("The link", { exact: true })).toBeVisible();
  await expect(dialog(page)).toBeVisible();
  await expect(days).toHaveValue("30");
  model.stop();
});

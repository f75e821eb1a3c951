import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { ask, documentRow, upload } from "../support/documents";
import { embeddingModel, silentModel } from "../support/models";
import { largePdf } from "../support/pdf";
import { testWithServer as test } from "../support/server";
import { expect, open } from "../support/test";

// What a restart must not cost, on a server of each test's own.

test.setTimeout(180_000);

// While there is no server the browser says so.
test.use({ expectedOnConsole: [/net::ERR_|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to load resource/] });

const LEDGER = `${"The harbour office keeps the ledger of Zanzibar in the second drawer. ".repeat(40)}

The price of a chart is nine shillings.
`;

async function studio(page: Page) {
  await signUp(page);
  return createProject(page, await createWorkspace(page));
}

/** Asks in a new conversation; returns the answer. */
async function askAnew(page: Page, project: string, question: string) {
  await open(page, `${project}/chat`);
  await ask(page, question);
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  return page.getByRole("article").last();
}

test("another embedding model is built beside the old one, which answers meanwhile", async ({ page, server }) => {
  await server.start();
  const project = await studio(page);
  await open(page, `${project}/documents`);
  await upload(page, { name: "Zanzibar ledger.md", mimeType: "text/markdown", buffer: Buffer.from(LEDGER) });
  await expect(documentRow(page, "Zanzibar ledger.md").locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  await server.stop();

  const model = await embeddingModel("Zanzibar ledger");
  await server.start(model.variables);
  const building = page.getByText("A new search index is being built");
  await expect(async () => {
    await open(page, `${project}/documents`);
    await expect(building).toBeVisible({ timeout: 1_000 });
  }).toPass({ timeout: 30_000 });
  const answer = await askAnew(page, project, "What is the price of a chart?");
  await expect(answer).toContainText("nine shillings", { timeout: 60_000 });
  await expect(answer.getByRole("link", { name: /Zanzibar ledger\.md/ }).first()).toBeVisible();
  expect(model.embedded.filter((text) => text.startsWith("Zanzibar ledger")), "no passage is embedded yet").toEqual([]);

  model.release();
  await expect(async () => {
    await open(page, `${project}/search?q=price+of+a+chart`);
    await expect(building).toBeHidden({ timeout: 1_000 });
    expect(model.embedded).toContain("price of a chart");
  }).toPass({ timeout: 60_000 });
  await expect(page.getByRole("main")).toContainText("nine shillings");
  const again = await askAnew(page, project, "What is the price of a chart?");
  await expect(again).toContainText("nine shillings", { timeout: 60_000 });
  model.stop();
});

test("what the web process takes in, a worker of its own reads", async ({ page, server }) => {
  await server.start({}, ["serve", "--role", "web"]);
  const project = await studio(page);
  await open(page, `${project}/documents`);
  await upload(page, { name: "Zanzibar ledger.md", mimeType: "text/markdown", buffer: Buffer.from(LEDGER) });
  const state = documentRow(page, "Zanzibar ledger.md").locator(".document__state");
  await expect(state).toContainText("Waiting");
  const worker = await server.beside();
  try {
    await worker.start({}, ["worker"]);
    await expect(state).toContainText("Ready", { timeout: 120_000 });
    expect((await fetch(`${worker.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${worker.url}/login`)).status, "a worker serves no page").toBe(404);
  } finally {
    await worker.stop();
  }
  const answer = await askAnew(page, project, "What is the price of a chart?");
  await expect(answer).toContainText("nine shillings", { timeout: 60_000 });
});

test("an upload goes on where it was when the server is killed and comes back", async ({ page, server }) => {
  await server.start();
  const project = await studio(page);
  await open(page, `${project}/documents`);
  let passed = 0;
  await page.route(/\/api\/v1\/uploads\//, async (route) => {
    if (route.request().method() === "PATCH" && (passed += 1) === 3) {
      await server.stop("SIGKILL");
      await route.abort("connectionfailed");
      await server.start();
      return;
    }
    await route.continue();
  });
  const buffer = await largePdf(33 * 1024 * 1024);
  await upload(page, { name: "autumn brief.pdf", mimeType: "application/pdf", buffer });
  const row = documentRow(page, "autumn brief.pdf");
  await expect(row.getByRole("link", { name: "autumn brief.pdf" })).toBeVisible({ timeout: 90_000 });
  await expect(row.locator(".document__state")).toContainText("Ready", { timeout: 60_000 });
  // Five chunks of 8 MiB, of which the third went twice.
  expect(passed).toBe(6);
});

test("an answer that the server was killed in is there, marked, and the conversation goes on", async ({ page, server }) => {
  const model = await silentModel("The charts are in the second drawer", "They cost nine shillings.");
  await server.start(model.variables);
  const project = await studio(page);
  await open(page, `${project}/documents`);
  await upload(page, { name: "Zanzibar ledger.md", mimeType: "text/markdown", buffer: Buffer.from(LEDGER) });
  await expect(documentRow(page, "Zanzibar ledger.md").locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  const answer = await askAnew(page, project, "Where are the charts?");
  await expect(answer).toContainText("The charts are in the second drawer", { timeout: 60_000 });

  await server.stop("SIGKILL");
  await server.start(model.variables);
  await expect(async () => {
    await page.reload();
    await expect(page.getByRole("article").last()).toContainText("while this answer was being written. What there was of it is kept", { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
  await expect(page.getByRole("article").last()).toContainText("The charts are in the second drawer");
  await open(page, new URL(page.url()).pathname);
  await ask(page, "And what do they cost?");
  await expect(page.getByRole("article").last()).toContainText("They cost nine shillings.", { timeout: 60_000 });
  model.stop();
});

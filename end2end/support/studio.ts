import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "./accounts";
import { ask, documentRow, fromMenu, newFolder, upload } from "./documents";
import { brandGuide } from "./pdf";
import { expect, hydrated, open } from "./test";
import { newDocument } from "./written";

/** Every page of the product with something on it: name and address. */
export type Place = { name: string; path: string };

/** Signs up and fills a workspace: a project, a document, an answered question. Returns the pages to visit. */
export async function fillStudio(page: Page): Promise<Place[]> {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  const empty = await createProject(page, workspace, "Spring catalogue");
  const project = await createProject(page, workspace, "Nordlys autumn roast");
  await open(page, `${project}/documents`);
  await upload(page, { name: "Nordlys brand guide.pdf", mimeType: "application/pdf", buffer: await brandGuide() });
  const row = documentRow(page, "Nordlys brand guide.pdf");
  await expect(row.locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  const document = await row.getByRole("link", { name: "Nordlys brand guide.pdf" }).getAttribute("href");
  await newFolder(page, "Briefs");
  const folder = await documentRow(page, "Briefs").getByRole("link", { name: "Briefs" }).getAttribute("href");
  const trashed = await fillTrash(page);
  const written = await write(page, project);
  await open(page, `${project}/chat`);
  await ask(page, "What do we say about prices?");
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await hydrated(page);
  const citation = page.getByRole("article").last().getByRole("link", { name: /Nordlys brand guide\.pdf/ }).first();
  await expect(citation).toBeVisible({ timeout: 60_000 });
  const cited = await citation.getAttribute("href");
  const conversation = new URL(page.url()).pathname;
  await page.getByRole("button", { name: "Answer again" }).click();
  await expect(page.getByRole("group", { name: "Versions" })).toContainText("2/2");
  const shared = await share(page, document ?? "");
  return [
    { name: "workspaces", path: "/workspaces" },
    { name: "new-workspace", path: "/workspaces/new" },
    { name: "workspace", path: workspace },
    { name: "new-project", path: `${workspace}/projects/new` },
    { name: "settings", path: `${workspace}/settings` },
    { name: "invitation", path: await invitation(page, workspace) },
    { name: "project", path: project },
    { name: "project-empty", path: empty },
    { name: "documents", path: `${project}/documents` },
    { name: "documents-empty", path: `${empty}/documents` },
    { name: "folder-empty", path: folder ?? "" },
    { name: "trash", path: `${project}/trash` },
    { name: "trash-empty", path: `${empty}/trash` },
    { name: "document-trashed", path: trashed },
    { name: "document", path: document ?? "" },
    { name: "shared", path: shared },
    { name: "shared-page", path: `${shared}?page=3` },
    { name: "document-cited", path: cited ?? "" },
    ...written,
    { name: "search", path: `${project}/search` },
    { name: "search-found", path: `${project}/search?q=harbour+blue+prices` },
    { name: "search-empty", path: `${empty}/search` },
    { name: "chat", path: `${project}/chat` },
    { name: "chat-empty", path: `${empty}/chat` },
    { name: "chat-found", path: `${project}/chat?q=prices` },
    { name: "chat-found-nothing", path: `${project}/chat?q=nowhere` },
    { name: "chat-archived", path: `${project}/chat?archived=true` },
    { name: "conversation", path: conversation },
    { name: "account", path: "/account" },
    { name: "account-second-factor", path: await setUpApp(page) },
    { name: "reset", path: "/reset" },
    { name: "not-found", path: "/no/such/page" },
    { name: "api-docs", path: "/api/docs" },
  ];
}

/** Puts a folder and a document into the trash; returns the document's address. */
async function fillTrash(page: Page) {
  await newFolder(page, "Spring drafts");
  await fromMenu(page, "Spring drafts", "Move to trash");
  await expect(documentRow(page, "Spring drafts")).toHaveCount(0);
  const name = "old prices.txt";
  await upload(page, { name, mimeType: "text/plain", buffer: Buffer.from("A cup cost 32 kroner in spring.") });
  const row = documentRow(page, name);
  await expect(row.locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  const document = await row.getByRole("link", { name }).getAttribute("href");
  await fromMenu(page, name, "Move to trash");
  await expect(row).toHaveCount(0);
  return document ?? "";
}

/** Writes a document with two versions; returns the pages that are about it. */
async function write(page: Page, project: string): Promise<Place[]> {
  await open(page, `${project}/documents`);
  await newDocument(page);
  const editor = new URL(page.url()).pathname;
  await page.getByLabel("Title").fill("Launch letter");
  const text = page.getByLabel("Text, in Markdown");
  await text.fill(`# Launch letter\n\n${"The autumn roast is here, and it is darker than last year's. ".repeat(12)}\n\n- one\n- two\n`);
  await expect(page.locator(".save-line")).toContainText(/^Saved (just|\d+ s)/);
  await text.fill("# Launch letter\n\nThe autumn roast is here.\n\n> Light for the long dark.\n\n| Bag | Price |\n|---|--:|\n| 250 g | 95 kr |\n");
  await expect(page.locator(".save-line")).toContainText("Saving");
  await expect(page.locator(".save-line")).toContainText(/^Saved/);
  const document = editor.replace(/\/edit$/, "");
  await open(page, `${document}/history`);
  const version = await page.getByRole("link", { name: /Version 1/ }).getAttribute("href");
  return [
    { name: "editor", path: editor },
    { name: "written", path: document },
    { name: "history", path: `${document}/history` },
    { name: "history-version", path: version ?? "" },
  ];
}

/** Invites the person themself by another address, which gives the page of an invitation, and makes a key. */
async function invitation(page: Page, workspace: string) {
  await open(page, `${workspace}/settings`);
  await page.getByLabel("Email").fill("mia@example.com");
  await page.getByRole("button", { name: "Invite", exact: true }).click();
  const link = await page.getByLabel("The link").inputValue();
  await page.getByRole("region", { name: "API keys" }).getByLabel("Name").fill("Website import");
  await page.getByRole("button", { name: "Create key" }).click();
  await expect(page.getByLabel("The key")).toBeVisible();
  return new URL(link).pathname;
}

/** Makes a link to a document; returns its address. */
async function share(page: Page, document: string) {
  await open(page, document);
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByRole("button", { name: "Create link" }).click();
  return new URL(await page.getByLabel("The link", { exact: true }).inputValue()).pathname;
}

/** Begins to add an authenticator app. */
async function setUpApp(page: Page) {
  await open(page, "/account");
  await page.getByLabel("Name of the app or phone").fill("My phone");
  await page.getByRole("button", { name: "Add an authenticator app" }).click();
  await page.waitForURL("/account/second-factor");
  return "/account/second-factor";
}

/** The pages for whoever is not signed in. */
export const OPEN_PLACES: Place[] = [
  { name: "landing", path: "/" },
  { name: "login", path: "/login" },
  { name: "login-link", path: "/login/link" },
  { name: "login-link-sent", path: "/login/link?sent=1" },
  { name: "second-factor", path: "/login/second-factor" },
  { name: "register", path: "/register" },
  { name: "register-sent", path: "/register?sent=1" },
  { name: "forgot", path: "/forgot" },
  { name: "forgot-sent", path: "/forgot?sent=1" },
  { name: "reset-without-link", path: "/reset" },
  { name: "confirm", path: "/auth/confirm?token_hash=x&type=signup" },
  { name: "half-changed", path: "/auth/confirm?half=1" },
  { name: "callback-failed", path: "/auth/callback?error=access_denied" },
  { name: "shared-ended", path: "/shared/nothing-that-was-ever-made" },
  { name: "callback-nothing", path: "/auth/callback" },
];

import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "./accounts";
import { ask, documentRow, upload } from "./documents";
import { brandGuide } from "./pdf";
import { expect, hydrated, open } from "./test";

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
    { name: "document", path: document ?? "" },
    { name: "document-cited", path: cited ?? "" },
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
  { name: "callback-nothing", path: "/auth/callback" },
];

import type { Page } from "@playwright/test";
import { randomUUID } from "node:crypto";
import { expect, hydrated, open } from "./test";

export const PASSWORD = "north light on the drawing board";

/** An address that nobody has used yet. */
export const newEmail = () => `${randomUUID()}@example.com`;

/** Makes an account by the register form; ends on the list of workspaces. */
export async function signUp(page: Page, email = newEmail()) {
  await open(page, "/register");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await page.waitForURL("/workspaces");
  await hydrated(page);
  return email;
}

/** Makes a workspace by its plain page; returns its address. */
export async function createWorkspace(page: Page, name = "Studio Nord") {
  await open(page, "/workspaces/new");
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create workspace" }).click();
  await page.waitForURL(/\/workspaces\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await hydrated(page);
  return new URL(page.url()).pathname;
}

/** Makes a project by its plain page; returns its address. */
export async function createProject(page: Page, workspace: string, name = "Autumn campaign") {
  await open(page, `${workspace}/projects/new`);
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Create project" }).click();
  await page.waitForURL(/\/projects\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { level: 1, name })).toBeVisible();
  await hydrated(page);
  return new URL(page.url()).pathname;
}

import type { Page } from "@playwright/test";
import { expect, open } from "./test";

export const section = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

/** Invites an address into a workspace by its settings; returns the path of the invitation's link. */
export async function invite(page: Page, workspace: string, email: string, role: string) {
  await open(page, `${workspace}/settings`);
  const members = section(page, "Members");
  await members.getByLabel("Email").fill(email);
  await members.getByLabel("Role", { exact: true }).selectOption(role);
  await members.getByRole("button", { name: "Invite", exact: true }).click();
  await expect(page.getByText(`${email} is invited`)).toBeVisible();
  const link = await page.getByLabel("The link").inputValue();
  expect(link).toMatch(/\/invite\/[\w-]{43}$/);
  return new URL(link).pathname;
}

import { PASSWORD, newEmail } from "../support/accounts";
import { codeIn, linkIn, newestMail } from "../support/mails";
import { expect, hydrated, open, test } from "../support/test";

// Run with JavaScript and without, on a server whose accounts count once their address is confirmed.

const site = process.env.ATELIER_CONFIRM_URL ?? "";

test.use({ baseURL: site });

async function register(page: import("@playwright/test").Page, next = "") {
  const email = newEmail();
  await open(page, `/register${next}`);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Confirm your address" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText(email);
  await hydrated(page);
  return email;
}

test("register, confirm by the link of the mail, arrive where one wanted to go", async ({ page }) => {
  const email = await register(page, "?next=/workspaces/new");
  await open(page, linkIn(await newestMail(email, "Confirm your address", site)).href);
  await page.getByRole("button", { name: "Confirm and sign in" }).click();
  await page.waitForURL("/workspaces/new");
});

test("register, confirm by the code", async ({ page }) => {
  const email = await register(page);
  await page.getByLabel("Code from the mail").fill(codeIn(await newestMail(email, "Confirm your address", site)));
  await page.getByRole("button", { name: "Confirm", exact: true }).click();
  await page.waitForURL("/workspaces");
});

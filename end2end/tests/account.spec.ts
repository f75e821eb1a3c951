import type { Page } from "@playwright/test";
import { PASSWORD, newEmail, signUp } from "../support/accounts";
import { linkIn, newestMail } from "../support/mails";
import { expect, hydrated, open, test } from "../support/test";
import { AuthenticatorApp, totp } from "../support/totp";

// Run with JavaScript and without.

// The browser logs an answer that refuses.
test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

const section = (page: Page, name: string) => page.getByRole("region", { name, exact: true });

async function signIn(page: Page, email: string, password = PASSWORD) {
  await open(page, "/login");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

test("another name is seen at once", async ({ page }) => {
  await signUp(page);
  await open(page, "/account");
  const profile = section(page, "Profile");
  await profile.getByLabel("Name").fill("Ada Lovelace");
  await profile.getByRole("button", { name: "Save name" }).click();
  await expect(page.getByText(/Your name is saved/)).toBeVisible();
  await open(page, "/account");
  await expect(page.locator(".rail__foot")).toContainText("Ada Lovelace");
  await expect(profile.getByLabel("Name")).toHaveValue("Ada Lovelace");
});

test("another password needs the present one", async ({ page }) => {
  const email = await signUp(page);
  await open(page, "/account");
  const password = section(page, "Password");
  const save = async (current: string) => {
    await password.getByLabel("Current password", { exact: true }).fill(current);
    await password.getByLabel("New password", { exact: true }).fill("a lamp over the second drawing board");
    await password.getByRole("button", { name: "Change password" }).click();
  };
  await save("not the present one");
  await expect(page.locator("#field-current")).toHaveAttribute("aria-invalid", "true");
  await hydrated(page);
  await save(PASSWORD);
  await expect(page.getByText(/Your password is changed/)).toBeVisible();
  await page.context().clearCookies();
  await signIn(page, email, "a lamp over the second drawing board");
  await page.waitForURL("/workspaces");
});

test("another address counts after it is confirmed", async ({ page }) => {
  await signUp(page);
  const fresh = newEmail();
  await open(page, "/account");
  const email = section(page, "Email");
  await email.getByLabel("New address").fill(fresh);
  await email.getByRole("button", { name: "Change address" }).click();
  await expect(email.getByText("Waiting for confirmation of")).toContainText(fresh);
  await open(page, linkIn(await newestMail(fresh, "Confirm the change of your address")).href);
  await page.getByRole("button", { name: "Confirm the change" }).click();
  // The provider may want the present address to agree too; then it says so.
  await expect(page.getByRole("heading", { level: 1, name: /^(Account|Half done)$/ })).toBeVisible();
});

test("an authenticator app: added, asked for at sign-in, removed", async ({ page }) => {
  // A code may have to be waited for.
  test.setTimeout(120_000);
  const email = await signUp(page);
  await open(page, "/account");
  let factor = section(page, "Second factor");
  await factor.getByLabel("Name of the app or phone").fill("My phone");
  await factor.getByRole("button", { name: "Add an authenticator app" }).click();
  await page.waitForURL("/account/second-factor");
  await hydrated(page);
  await expect(page.getByRole("img", { name: /QR code/ })).toBeVisible();
  await page.getByText("No camera?").click();
  const secret = await page.locator(".enrol__secret code").innerText();
  const app = new AuthenticatorApp(secret);

  // A wrong code leaves the same secret on the page.
  await page.getByLabel("Code", { exact: true }).fill(totp(secret, 40));
  await page.getByRole("button", { name: "Add the app" }).click();
  await expect(page.getByLabel("Code", { exact: true })).toHaveAttribute("aria-invalid", "true");
  await hydrated(page);
  await page.getByLabel("Code", { exact: true }).fill(await app.code());
  await page.getByRole("button", { name: "Add the app" }).click();
  await page.waitForURL(/\/account#second-factor$/);
  await expect(page.getByText("Your authenticator app is added")).toBeVisible();

  await page.context().clearCookies();
  await signIn(page, email);
  await page.waitForURL(/\/login\/second-factor/);
  await hydrated(page);
  // Half a sign-in opens nothing.
  await page.goto("/workspaces/new");
  await expect(page).toHaveURL(/\/login\/second-factor\?next=/);
  await hydrated(page);
  await page.getByLabel("Code", { exact: true }).fill(await app.code());
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/workspaces/new");

  await open(page, "/account");
  factor = section(page, "Second factor");
  await expect(factor).toContainText("My phone");
  await factor.getByText("Remove My phone").click();
  await factor.getByLabel("Code that the app shows now").fill(await app.code());
  await factor.getByRole("button", { name: "Remove the app" }).click();
  await expect(page.getByText("The authenticator app is removed")).toBeVisible();
  await expect(factor).not.toContainText("My phone");
});

test("other devices are signed out, and then this one too", async ({ page, browser }) => {
  const email = await signUp(page);
  const elsewhere = await browser.newContext();
  const other = await elsewhere.newPage();
  await signIn(other, email);
  await other.waitForURL("/workspaces");

  await open(page, "/account");
  await section(page, "Sessions").getByRole("button", { name: "Sign out other devices" }).click();
  await expect(page.getByText("Your other devices are signed out")).toBeVisible();
  await other.goto("/account");
  await expect(other).toHaveURL("/login?next=/account");

  await section(page, "Sessions").getByRole("button", { name: "Sign out everywhere" }).click();
  await page.waitForURL("/login");
  await expect(page.getByText("You are signed out on all devices")).toBeVisible();
  await elsewhere.close();
});

test("an account is deleted by its own address alone", async ({ page }) => {
  const email = await signUp(page);
  await open(page, "/account");
  const danger = section(page, "Delete account");
  await danger.getByLabel("Type your address to confirm").fill(newEmail());
  await danger.getByRole("button", { name: "Delete my account" }).click();
  await expect(danger.getByLabel("Type your address to confirm")).toHaveAttribute("aria-invalid", "true");
  await hydrated(page);
  await danger.getByLabel("Type your address to confirm").fill(email);
  await danger.getByRole("button", { name: "Delete my account" }).click();
  await page.waitForURL("/login");
  await expect(page.getByText("Your account is deleted")).toBeVisible();
  await signIn(page, email);
  await expect(page.locator("#field-password-note")).toContainText("do not match");
});

import { PASSWORD, createWorkspace, newEmail, signUp } from "../support/accounts";
import { expect, open, test } from "../support/test";

// Run with JavaScript and without.

test("register, sign out, sign in", async ({ page }) => {
  const email = await signUp(page);
  await expect(page.getByRole("heading", { level: 1, name: "Workspaces" })).toBeVisible();

  await page.locator(".rail__foot summary").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("/login");

  // What is behind the sign-in asks for it, and leads back.
  await open(page, "/workspaces/new");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/workspaces/new");
});

test("make a workspace", async ({ page }) => {
  await signUp(page);
  const workspace = await createWorkspace(page, "Studio Nord");
  await open(page, "/workspaces");
  const row = page.getByRole("main").getByRole("link", { name: /Studio Nord/ });
  await expect(row).toHaveAttribute("href", workspace);
  await expect(row).toContainText("Owner");
});

test.describe("mistakes", () => {
  // The browser logs an answer that refuses.
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

  test("a wrong password is told at its field", async ({ page }) => {
    await signUp(page);
    await page.context().clearCookies();
    await open(page, "/login");
    await page.getByLabel("Email").fill(newEmail());
    await page.getByLabel("Password", { exact: true }).fill("not the password at all");
    await page.getByRole("button", { name: "Sign in" }).click();
    await expect(page.locator("#field-password-note")).toContainText("Email and password do not match");
    await expect(page.getByLabel("Password", { exact: true })).toHaveAttribute("aria-invalid", "true");
    await expect(page).toHaveURL(/\/login/);
  });

  test("a taken address is told at its field, which keeps what was typed", async ({ page }) => {
    const email = await signUp(page);
    await page.context().clearCookies();
    await open(page, "/register");
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password", { exact: true }).fill("another password entirely");
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.locator("#field-email-note")).toContainText("already an account with this address");
    await expect(page.getByLabel("Email")).toHaveValue(email);
  });

  test("a password that everyone uses is refused at its field", async ({ page }) => {
    await open(page, "/register");
    await page.getByLabel("Email").fill(newEmail());
    const password = page.getByLabel("Password", { exact: true });
    await password.fill("short");
    // The browser itself would stop the form; the server must refuse too.
    await page.locator("form:has(#field-password)").evaluate((form: HTMLFormElement) => (form.noValidate = true));
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page.locator("#field-password-note")).toContainText("at least 8 characters");
    await expect(password).toHaveAttribute("aria-invalid", "true");
  });

  test("a workspace needs a name", async ({ page }) => {
    await signUp(page);
    await open(page, "/workspaces/new");
    await page.getByLabel("Name").fill("   ");
    await page.getByRole("button", { name: "Create workspace" }).click();
    await expect(page.getByLabel("Name")).toHaveAttribute("aria-invalid", "true");
    await expect(page).toHaveURL(/\/workspaces\/new/);
  });
});

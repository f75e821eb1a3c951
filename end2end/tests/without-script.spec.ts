import { PASSWORD, signUp } from "../support/accounts";
import { expect, open, test } from "../support/test";

// Run without JavaScript alone: what scripts do elsewhere.

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 401/] });

test("a fragment cannot be read, and the page says what to do", async ({ page }) => {
  await open(page, "/auth/callback#access_token=a&refresh_token=b");
  await expect(page.getByText("only a script can read")).toBeVisible();
  await expect(page.getByRole("link", { name: "Email me a code" })).toBeVisible();
});

test("a code waits for its button", async ({ page }) => {
  const heading = page.getByRole("heading", { level: 1 });
  await open(page, "/auth/callback?code=5f1b1a53-2b1c-4f0f-9b1e-0a3f5c2d7e11");
  await expect(heading).toHaveText("Signing you in");
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(heading).toHaveText("This sign-in cannot be finished here");
});

test("a form that comes after its session waits until it can be sent again", async ({ page }) => {
  const email = await signUp(page);
  await open(page, "/workspaces/new");
  await page.getByLabel("Name").fill("Studio <Süd>");
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Create workspace" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Your session has ended" })).toBeVisible();

  const opened = page.context().waitForEvent("page");
  await page.getByRole("link", { name: "Sign in in another tab" }).click();
  const tab = await opened;
  await tab.getByLabel("Email").fill(email);
  await tab.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await tab.getByRole("button", { name: "Sign in" }).click();
  await tab.waitForURL("/workspaces/new");

  await page.getByRole("button", { name: "Send again" }).click();
  await page.waitForURL(/\/workspaces\/[0-9a-f-]{36}$/);
  await expect(page.getByRole("heading", { level: 1, name: "Studio <Süd>" })).toBeVisible();
});

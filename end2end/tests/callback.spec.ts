import { PASSWORD, newEmail, signUp } from "../support/accounts";
import { publishableKey } from "../support/keys";
import { expect, open, test } from "../support/test";

// The shapes in which an identity provider, or a link of a mail, comes back.

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

const heading = (page: import("@playwright/test").Page) => page.getByRole("heading", { level: 1 });

test("errors of the query are told in words of ours", async ({ page }) => {
  for (const [query, told] of [
    ["error=access_denied", "Sign-in was cancelled"],
    ["error=access_denied&error_code=otp_expired", "This link has been used or is too old"],
    ["error=invalid_request&error_code=bad_oauth_state", "This sign-in cannot be finished here"],
    ["error=server_error&error_code=unexpected_failure", "Signing in did not work"],
  ]) {
    await open(page, `/auth/callback?${query}&error_description=Call+555+to+unlock`);
    await expect(heading(page)).toHaveText(told ?? "");
    await expect(page.locator("body")).not.toContainText("555");
  }
});

test("errors of the fragment too, and the fragment is gone", async ({ page }) => {
  await open(page, "/auth/callback#error=access_denied&error_code=otp_expired&error_description=Call+555");
  await expect(heading(page)).toHaveText("This link has been used or is too old");
  await expect(page.locator("body")).not.toContainText("555");
  await expect(page).toHaveURL("/auth/callback");
});

test("a code without the browser that asked for it", async ({ page }) => {
  await open(page, "/auth/callback?code=5f1b1a53-2b1c-4f0f-9b1e-0a3f5c2d7e11");
  await expect(heading(page)).toHaveText("This sign-in cannot be finished here");
  await expect(page.getByRole("link", { name: "Email me a link instead" })).toBeVisible();
});

test("a link's token waits for a click", async ({ page }) => {
  await open(page, "/auth/callback?token_hash=nothing-that-was-ever-sent&type=recovery");
  await expect(heading(page)).toHaveText("Choose a new password");
  await page.getByRole("button", { name: "Go on" }).click();
  await expect(heading(page)).toHaveText("This link has been used or is too old");
  await expect(page.getByRole("link", { name: "Email me a new link" })).toHaveAttribute("href", "/forgot");
});

test("a spent confirmation offers another", async ({ page }) => {
  await open(page, "/auth/confirm?token_hash=nothing-that-was-ever-sent&type=signup");
  await expect(heading(page)).toHaveText("Confirm your address");
  await page.getByRole("button", { name: "Confirm and sign in" }).click();
  await expect(heading(page)).toHaveText("This link has been used or is too old");
  await page.getByLabel("Email").fill(newEmail());
  await page.getByRole("button", { name: "Email me a new link" }).click();
  await page.waitForURL(/\/register\?sent=/);
});

test("a link without its token says so", async ({ page }) => {
  await open(page, "/auth/confirm?type=signup");
  await expect(heading(page)).toHaveText("This link is not whole");
});

test("tokens in the fragment sign in, and leave the address", async ({ page, request, browser }) => {
  const email = await signUp(page);
  await page.context().clearCookies();
  // As the provider answers whoever asks it without PKCE.
  const answer = await request.post("/auth/v1/token?grant_type=password", {
    headers: { apikey: publishableKey() },
    data: { email, password: PASSWORD },
  });
  expect(answer.status()).toBe(200);
  const { access_token, refresh_token } = (await answer.json()) as { access_token: string; refresh_token: string };
  const fragment = new URLSearchParams({ access_token, refresh_token, expires_in: "3600", token_type: "bearer" });
  await page.goto(`/auth/callback#${fragment}`);
  await page.waitForURL("/workspaces");

  const other = await browser.newContext();
  const stranger = await other.newPage();
  await stranger.goto(`/auth/callback#${new URLSearchParams({ access_token: `${access_token}x`, refresh_token: "x" })}`);
  await expect(heading(stranger)).toHaveText("This link has been used or is too old");
  await expect(stranger).toHaveURL("/auth/callback");
  await other.close();
});

test("the first half of a change of address", async ({ page }) => {
  await open(page, "/auth/callback#message=Confirmation+link+accepted.+Call+555");
  await expect(heading(page)).toHaveText("Half done");
  await expect(page.locator("body")).not.toContainText("555");
});

test("nothing at all", async ({ page }) => {
  await open(page, "/auth/callback");
  await expect(heading(page)).toHaveText("Nothing to go on with");
});

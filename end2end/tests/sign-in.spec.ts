import { PASSWORD, newEmail, signUp } from "../support/accounts";
import { codeIn, linkIn, newestMail } from "../support/mails";
import { expect, hydrated, open, test } from "../support/test";

// Run with JavaScript and without.

// The browser logs an answer that refuses.
test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

test("a link by mail signs in, at a click and once", async ({ page }) => {
  const email = await signUp(page);
  await page.context().clearCookies();
  await open(page, "/login?next=/workspaces/new");
  await page.getByRole("link", { name: "Email me a link instead" }).click();
  await page.waitForURL(/\/login\/link\?next=/);
  await hydrated(page);
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Email me a link" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Check your mail" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText(email);
  expect(page.url(), "an address is no part of a URL").not.toContain(encodeURIComponent(email));

  const link = linkIn(await newestMail(email, "Your link to sign in")).href;
  // A program that looks into mails opens links, and uses them up by that nowhere here.
  for (const method of ["GET", "HEAD"]) expect((await page.request.fetch(link, { method })).status()).toBe(200);
  await open(page, link);
  await expect(page.getByRole("heading", { level: 1, name: "Sign in" })).toBeVisible();
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/workspaces/new");

  await page.context().clearCookies();
  await open(page, link);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("This link has been used or is too old");
  await expect(page.getByRole("link", { name: "Email me a new link" })).toHaveAttribute("href", "/login/link");
});

test("a form stays busy while the page that it leads to is on its way", async ({ page, javaScriptEnabled }) => {
  test.skip(javaScriptEnabled === false, "the browser tells of it itself");
  await open(page, "/login/link");
  // As if the reader had stopped it.
  await page.route(/\/login\/link\?sent=1$/, (route) => route.abort("aborted"));
  await page.getByLabel("Email").fill(newEmail());
  // Asked in the page: a locator waits for the navigation.
  const busy = () => page.evaluate(() => document.querySelector("main form button")?.getAttribute("aria-busy") ?? "no");
  const answered = page.waitForResponse(/\/api\/send_sign_in_link/);
  await page.evaluate(() => document.querySelector<HTMLElement>("main form button")?.click());
  await answered;
  await page.waitForTimeout(1_500);
  expect(await busy(), "a second press would send a second mail").toBe("true");
  await expect.poll(busy, { message: "it is not kept for ever", timeout: 15_000 }).toBe("no");
});

test("the code of the mail serves as well, a wrong one is told at its field", async ({ page }) => {
  const email = await signUp(page);
  await page.context().clearCookies();
  await open(page, "/login/link");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Email me a link" }).click();
  const code = page.getByLabel("Code from the mail");
  await expect(code).toBeVisible();
  await hydrated(page);
  const mail = codeIn(await newestMail(email, "Your link to sign in"));
  await code.fill(mail === "000000" ? "111111" : "000000");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(code).toHaveAttribute("aria-invalid", "true");
  await hydrated(page);
  await code.fill(`${mail.slice(0, 3)} ${mail.slice(3)}`);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL("/workspaces");
});

test("a forgotten password is replaced by mail, and no longer counts", async ({ page }) => {
  const email = await signUp(page);
  await page.context().clearCookies();
  await open(page, "/login");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.waitForURL("/forgot");
  await hydrated(page);
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Email me a link" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Check your mail" })).toBeVisible();

  await open(page, linkIn(await newestMail(email, "Choose a new password")).href);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.waitForURL("/reset");
  await hydrated(page);
  await page.getByLabel("New password", { exact: true }).fill("a lamp over the second drawing board");
  await page.getByRole("button", { name: "Save password" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Your password is changed" })).toBeVisible();

  await page.context().clearCookies();
  const signIn = async (password: string) => {
    await open(page, "/login");
    await page.getByLabel("Email").fill(email);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await signIn(PASSWORD);
  await expect(page.locator("#field-password-note")).toContainText("do not match");
  await signIn("a lamp over the second drawing board");
  await page.waitForURL("/workspaces");
});

test("an unknown address is answered like a known one", async ({ page }) => {
  await open(page, "/forgot");
  await page.getByLabel("Email").fill(newEmail());
  await page.getByRole("button", { name: "Email me a link" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Check your mail" })).toBeVisible();
});

test("a new password needs the link first", async ({ page }) => {
  await open(page, "/reset");
  await expect(page.getByRole("heading", { level: 1, name: "Open the link in the mail first" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Email me a link" })).toHaveAttribute("href", "/forgot");
});

test("a crafted address puts no words on a page", async ({ page }) => {
  await open(page, "/login");
  const action = await page.locator("form:has(#field-password)").getAttribute("action");
  const error = Buffer.from(JSON.stringify({ kind: "conflict", message: "Call 555 to unlock your account" })).toString("base64url");
  await open(page, `/login?next=%2Fworkspaces%2Fnew&__path=${encodeURIComponent(action ?? "")}&__err=${error}`);
  await expect(page).toHaveURL("/login?next=%2Fworkspaces%2Fnew");
  await expect(page.getByRole("main")).not.toContainText("555");
});

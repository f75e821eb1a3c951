import { type Browser, type Page, test } from "@playwright/test";
import { expect, hydrated, open } from "./test";

/** Somebody who is not signed in, in a browser of their own. */
export async function anyone(browser: Browser, path: string, options = {}) {
  const context = await browser.newContext({
    ...options,
    javaScriptEnabled: test.info().project.use.javaScriptEnabled !== false,
  });
  const page = await context.newPage();
  const answer = await page.goto(path);
  await hydrated(page);
  return { page, status: answer?.status(), headers: answer?.headers() ?? {} };
}

export const dialog = (page: Page) => page.getByRole("dialog", { name: /^Share / });
export const openDialog = async (page: Page) => {
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await expect(dialog(page)).toBeVisible();
};

/** By the keyboard: a click waits for the popover's animation, which Chromium does not report without JavaScript. */
export const press = (page: Page, name: string | RegExp) => dialog(page).getByRole("button", { name }).press("Enter");

/** Ends on the page of the document; returns the path of the link. */
export async function makeLink(page: Page, document: string, choose?: (page: Page) => Promise<void>) {
  await open(page, document);
  await openDialog(page);
  await choose?.(page);
  await press(page, "Create link");
  const link = page.getByLabel("The link", { exact: true });
  await expect(link).toBeVisible();
  const address = new URL(await link.inputValue());
  expect(address.pathname).toMatch(/^\/shared\/[\w-]{43}$/);
  return address.pathname;
}

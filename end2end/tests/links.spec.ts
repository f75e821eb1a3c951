import { createProject, createWorkspace, signUp } from "../support/accounts";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { documentRow } from "../support/documents";
import { expect, open, test } from "../support/test";
import type { Page } from "@playwright/test";

// Run with JavaScript and without. What a page that can be had becomes is tested beside the code: the server that is
// tested here reaches the public web alone, and there is none in a test.
test.slow();

/** Axe is a script itself. */
const accessible = async (page: Page, name: string) => {
  if (test.info().project.use.javaScriptEnabled !== false) await expectAccessible(page, name);
};

const dialog = (page: Page) => page.getByRole("dialog", { name: "Add a link" });

async function add(page: Page, address: string) {
  await page.getByRole("button", { name: "Add a link" }).click();
  await dialog(page).getByLabel("Address").fill(address);
  await dialog(page).getByLabel("Address").press("Enter");
}

async function documents(page: Page) {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);
  return `${project}/documents`;
}

test.describe("what cannot be a page of the web", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 422/] });

  test("is refused where it is typed, with what to do", async ({ page }) => {
    const path = await documents(page);
    for (const [address, told] of [
      ["http://169.254.169.254/latest/meta-data/", "is on a private network or on this machine"],
      ["http://127.0.0.1/", "is on a private network or on this machine"],
      ["https://ada:secret@example.com/", "Leave the name and the password out"],
      ["https://example.com:8080/", "Only the usual ports of the web"],
      ["ftp://example.com/", "Use an address that begins with https:// or http://."],
    ] as const) {
      await open(page, path);
      await add(page, address);
      await expect(page.getByText(told).first()).toBeVisible();
    }
    await expect(page.getByRole("table", { name: "Documents" })).toHaveCount(0);
  });
});

test("a name that leads nowhere public fails in its row, and can be tried again", async ({ page }) => {
  const path = await documents(page);
  // What a name leads to shows when it is connected to.
  await add(page, "http://localhost:80/page");
  await open(page, path);
  const row = documentRow(page, "localhost/page");
  await expect(row).toBeVisible();
  await expect(row.getByText("localhost", { exact: true })).toBeVisible();
  await expect
    .poll(async () => {
      await open(page, path);
      return row.innerText();
    }, { timeout: 60_000 })
    .toContain("localhost is on a private network or on this machine.");
  await expect(row.getByRole("button", { name: "Try again" })).toBeVisible();
  await accessible(page, "documents with a link");
  await row.getByRole("link", { name: "localhost/page" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "This document could not be read" })).toBeVisible();
  const source = page.getByRole("link", { name: "http://localhost/page" });
  await expect(source).toHaveAttribute("rel", /noopener.*noreferrer/);
  await expect(page.getByRole("button", { name: "Share", exact: true })).toHaveCount(0);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectNoSidewaysScroll(page, "a link that failed");
  await open(page, path);
  await expectNoSidewaysScroll(page, "documents with a link");
  await page.getByRole("button", { name: "Add a link" }).click();
  await accessible(page, "the form for a link");
});

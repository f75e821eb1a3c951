import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "./accounts";
import { ask, documentRow, upload } from "./documents";
import { brandGuide } from "./pdf";
import { expect, open } from "./test";

/** The path of the README's first paragraph: sign up, add a PDF, ask it, open the passage behind the answer. */
export async function walk(page: Page) {
  await open(page, "/");
  await page.getByRole("main").getByRole("link", { name: "Create an account" }).click();
  await page.waitForURL("/register");
  await signUp(page);

  const workspace = await createWorkspace(page, "Studio Nord");
  const project = await createProject(page, workspace, "Nordlys autumn roast");

  await page.getByRole("main").getByRole("link", { name: "Add a document" }).click();
  await page.waitForURL(`${project}/documents`);
  await upload(page, { name: "Nordlys brand guide.pdf", mimeType: "application/pdf", buffer: await brandGuide() });
  const row = documentRow(page, "Nordlys brand guide.pdf");
  await expect(row.locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  await expect(row).toContainText("5");

  await open(page, `${project}/chat`);
  await ask(page, "How large is the launch budget for the autumn roast?");
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  const answer = page.getByRole("article").last();
  await expect(answer).toContainText("42,500 kroner", { timeout: 60_000 });

  // The numeral names the document and the page, and opens them at the sentence.
  const numeral = answer.locator(".cite", { hasText: "42,500 kroner" }).getByRole("link").first();
  await expect(numeral).toHaveAccessibleName(/Nordlys brand guide\.pdf, page 5/);
  await numeral.click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}\?page=5&/);
  const cited = page.locator("#cited");
  await expect(cited).toContainText("42,500 kroner");
  await expect(cited).toBeInViewport();

  // And so do the sources below the answer, each at its own sentence.
  await page.goBack();
  await expect(answer.locator(".source").first()).toBeVisible();
  const sources = await answer.locator(".source").evaluateAll((links) =>
    links.map((link) => ({ href: link.getAttribute("href") ?? "", quote: link.querySelector(".source__quote")?.textContent ?? "" })),
  );
  for (const { href, quote } of sources) {
    await open(page, href);
    await expect(page.locator("#cited")).toHaveText(quote.trim());
  }
}

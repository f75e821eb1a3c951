import { createProject, createWorkspace, signUp } from "../support/accounts";
import { documentRow, upload } from "../support/documents";
import { brandGuide, pdfWithoutText, truncatedPdf } from "../support/pdf";
import { expect, open, test } from "../support/test";

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 4\d\d/] });

test.beforeEach(async ({ page }) => {
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);
});

test("an empty file is refused", async ({ page }) => {
  await upload(page, { name: "empty.pdf", mimeType: "application/pdf", buffer: Buffer.alloc(0) });
  await expect(documentRow(page, "empty.pdf")).toContainText("The file is empty");
  await page.reload();
  await expect(documentRow(page, "empty.pdf")).toHaveCount(0);
});

test("a file of another kind is refused, whatever its name says", async ({ page }) => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  await upload(page, { name: "picture.pdf", mimeType: "application/pdf", buffer: png });
  await expect(documentRow(page, "picture.pdf").getByRole("alert")).toBeVisible();
  await upload(page, { name: "program.exe", mimeType: "application/octet-stream", buffer: Buffer.from("MZ\u0090\u0000\u0003", "latin1") });
  await expect(documentRow(page, "program.exe").getByRole("alert")).toBeVisible();
  await page.reload();
  await expect(documentRow(page, "picture.pdf")).toHaveCount(0);
  await expect(documentRow(page, "program.exe")).toHaveCount(0);
});

test("a PDF without text fails with its reason and what to do, which is not to try again", async ({ page }) => {
  await upload(page, { name: "scan.pdf", mimeType: "application/pdf", buffer: await pdfWithoutText() });
  const row = documentRow(page, "scan.pdf");
  await expect(row.locator(".document__state")).toContainText("Failed", { timeout: 30_000 });
  await expect(row).toContainText("Run text recognition (OCR) on it and upload the result.");
  await expect(row.getByRole("button", { name: "Try again" })).toHaveCount(0);
  await row.getByRole("link", { name: "scan.pdf" }).click();
  await expect(page.getByRole("heading", { level: 2, name: "This document could not be read" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
});

test("a truncated PDF fails with its reason, and the next file is read all the same", async ({ page }) => {
  test.setTimeout(120_000);
  await upload(page, { name: "broken.pdf", mimeType: "application/pdf", buffer: await truncatedPdf() });
  const broken = documentRow(page, "broken.pdf");
  await expect(broken).toContainText(/Failed|Not uploaded/, { timeout: 30_000 });
  await expect(broken.getByRole("alert").or(broken.locator(".failure-line"))).toBeVisible();
  await upload(page, { name: "whole.pdf", mimeType: "application/pdf", buffer: await brandGuide() });
  await expect(documentRow(page, "whole.pdf").locator(".document__state")).toContainText("Ready", { timeout: 60_000 });
});

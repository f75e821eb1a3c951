import { createProject, createWorkspace, signUp } from "../support/accounts";
import { ask, documentRow } from "../support/documents";
import { book, slides, word, workbook } from "../support/office";
import { brandGuide } from "../support/pdf";
import { expect, hydrated, open, test } from "../support/test";

const OFFICE = "application/vnd.openxmlformats-officedocument";

test("five files of different formats are dropped, read and cited", async ({ page }) => {
  test.setTimeout(240_000);
  const files = [
    { name: "guide.pdf", type: "application/pdf", bytes: await brandGuide() },
    {
      name: "contract.docx",
      type: `${OFFICE}.wordprocessingml.document`,
      bytes: word("Contract with the boathouse", "The rent of the boathouse is 18,400 kroner a month.", "It ends in March."),
    },
    {
      name: "tasting.pptx",
      type: `${OFFICE}.presentationml.presentation`,
      bytes: slides("Tasting evenings", "Every tasting evening begins with the washed Sidamo, served at sixty degrees."),
    },
    {
      name: "stock.xlsx",
      type: `${OFFICE}.spreadsheetml.sheet`,
      bytes: workbook("Stock in sacks", [["Farm", "Sacks"], ["Kayanza", "314"], ["Huila", "92"]]),
    },
    {
      name: "history.epub",
      type: "application/epub+zip",
      bytes: book("<h1>The cargo bicycle</h1><p>The bicycle was painted green in the summer of 2009.</p>", "<p>The second shop.</p>"),
    },
  ];
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  await open(page, `${project}/documents`);

  // Dropped, as from a desktop.
  const transfer = await page.evaluateHandle((files) => {
    const transfer = new DataTransfer();
    for (const { name, type, base64 } of files) {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      transfer.items.add(new File([bytes], name, { type }));
    }
    return transfer;
  }, files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString("base64") })));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    await page.getByRole("main").dispatchEvent(kind, { dataTransfer: transfer });
  }

  // Each has a state of its own until it is ready, without a reload.
  for (const { name } of files) {
    await expect(documentRow(page, name).locator(".document__state, .state").first()).toBeVisible({ timeout: 30_000 });
  }
  for (const { name } of files) {
    await expect(documentRow(page, name).locator(".document__state")).toContainText("Ready", { timeout: 120_000 });
  }
  await expect(documentRow(page, "tasting.pptx")).toContainText("2 slides");

  // A slide is called one, and a sheet shows its rows.
  await documentRow(page, "tasting.pptx").getByRole("link", { name: "tasting.pptx" }).click();
  await expect(page.getByRole("heading", { name: "Slide 2 of 2" })).toBeVisible();
  await open(page, `${project}/documents`);
  await documentRow(page, "stock.xlsx").getByRole("link", { name: "stock.xlsx" }).click();
  await expect(page.getByText("Kayanza | 314")).toBeVisible();

  // And one is opened at the passage that an answer cites.
  await open(page, `${project}/chat`);
  await ask(page, "What is the rent of the boathouse?");
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await hydrated(page);
  const answer = page.getByRole("article").last();
  await expect(answer).toContainText("18,400 kroner", { timeout: 60_000 });
  const numeral = answer.locator(".cite", { hasText: "18,400 kroner" }).getByRole("link").first();
  await expect(numeral).toHaveAccessibleName(/contract\.docx/);
  await numeral.click();
  await page.waitForURL(/\/documents\/[0-9a-f-]{36}\?page=1&/);
  await expect(page.locator("#cited")).toContainText("18,400 kroner");
  await expect(page.locator("#cited")).toBeInViewport();
});

import { expect, open, test } from "../support/test";
import { firstDocument, text } from "../support/written";

// Run without JavaScript alone.

test("write, compare and put back with forms and links", async ({ page, context }) => {
  await firstDocument(page);
  const editor = new URL(page.url()).pathname;
  const save = page.getByRole("button", { name: "Save" });
  await page.getByLabel("Title").fill("Plain letter");
  const long = `The price is forty kroner.\n\n</textarea> & ${"What nobody should lose is here. ".repeat(20)}`;
  await text(page).fill(long);
  await save.click();
  await expect(text(page)).toHaveValue(long);
  await expect(page.getByLabel("Title")).toHaveValue("Plain letter");
  await expect(page.getByLabel("Preview")).toContainText("The price is forty kroner.");

  // Two pages of the same text: the second form loses nothing, and says what has happened.
  const other = await context.newPage();
  await open(other, editor);
  await text(page).fill("The price is fifty kroner.");
  await save.click();
  await expect(text(page)).toHaveValue("The price is fifty kroner.");
  await text(other).fill("The price is sixty kroner.");
  await other.getByRole("button", { name: "Save" }).click();
  await other.waitForURL(/overtaken=3/);
  await expect(other.locator(".notice")).toContainText("Your text is saved as the newest version");
  await expect(other.locator(".version")).toHaveCount(3);

  await other.getByRole("link", { name: /Version 1/ }).click();
  await expect(other.getByRole("region", { name: /From version 1/ }).locator("del").first()).toContainText("forty");
  await other.getByRole("button", { name: "Put this version back" }).click();
  await other.waitForURL(editor);
  await expect(text(other)).toHaveValue(long);

  // A step of its status.
  await other.locator(".status-menu summary").click();
  await other.getByRole("button", { name: "Ask for a review" }).click();
  await expect(other.locator(".status-menu summary")).toContainText("In review");
});

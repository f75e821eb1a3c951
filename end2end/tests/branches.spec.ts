import { answered, askableProject, beginConversation, sendQuestion, tabTo } from "../support/chat";
import { expect, open, test } from "../support/test";

test.describe.configure({ timeout: 240_000 });

test("by keyboard alone: choose documents, edit, go back, answer again", async ({ page }) => {
  const project = await askableProject(page);
  await beginConversation(page, project, "How long may customers return goods?");

  await tabTo(page, page.locator(".scope summary"));
  await page.keyboard.press("Enter");
  await tabTo(page, page.getByRole("checkbox", { name: "Terms.md" }));
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("button", { name: "Use these" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".scope__chips .chip")).toHaveText("Terms.md");
  await expect(page.locator(".scope summary")).toBeFocused();

  await open(page, new URL(page.url()).pathname);
  await tabTo(page, page.locator(".edit summary"));
  await page.keyboard.press("Enter");
  const area = page.getByRole("textbox", { name: "Another version of the question" });
  await expect(area).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(area).toBeHidden();
  await expect(page.locator(".edit summary")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(area).toBeFocused();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type("What must the goods be?");
  await tabTo(page, page.getByRole("button", { name: "Ask this instead" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".question")).toHaveText(["What must the goods be?"]);
  await answered(page);
  await open(page, new URL(page.url()).pathname);
  await tabTo(page, page.getByRole("button", { name: "Previous version" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".question")).toHaveText(["How long may customers return goods?"]);
  await expect(page.getByRole("group", { name: "Versions" })).toBeFocused();
  await tabTo(page, page.getByRole("button", { name: "Answer again" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".answer").getByRole("group", { name: "Versions" })).toContainText("2/2");
});

test("two windows on two branches do not mix them", async ({ page, context }) => {
  const project = await askableProject(page);
  const conversation = await beginConversation(page, project, "How long may customers return goods?");
  const other = await context.newPage();
  await open(other, conversation);
  await other.getByRole("button", { name: "Answer again" }).click();
  await expect(other.locator(".answer").getByRole("group", { name: "Versions" })).toContainText("2/2");
  await answered(other);

  // This window still shows the first answer, and asks after it.
  await sendQuestion(page, "What must the goods be?");
  await sendQuestion(other, "What does express postage cost?");
  await expect(page.locator(".question")).toHaveText(["How long may customers return goods?", "What must the goods be?"]);
  await expect(other.locator(".question")).toHaveText(["How long may customers return goods?", "What does express postage cost?"]);
  await open(page, conversation);
  await expect(page.locator(".question")).toHaveText(["How long may customers return goods?", "What does express postage cost?"]);
  await page.locator(".answer").first().getByRole("button", { name: "Previous version" }).click();
  await expect(page.locator(".question")).toHaveText(["How long may customers return goods?", "What must the goods be?"]);
});

test.describe("with a line that breaks", () => {
  test.use({ expectedOnConsole: [/Failed to load resource: net::ERR_FAILED/] });

  test("a question that is sent again after it was answered elsewhere is not doubled", async ({ page, context }) => {
    const project = await askableProject(page);
    const conversation = await beginConversation(page, project, "How long may customers return goods?");
    // The answer to the request is lost on the way.
    await page.route("**/api/ask*", async (route) => {
      await route.fetch();
      await route.abort();
    }, { times: 1 });
    const composer = page.getByRole("textbox", { name: "Ask another question" });
    await composer.fill("What must the goods be?");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "cannot be reached" })).toBeVisible();
    await expect(composer).toHaveValue("What must the goods be?");
    await page.getByRole("button", { name: "Send" }).click();
    await expect(page.locator(".question")).toHaveCount(2);
    await answered(page);
    const second = await context.newPage();
    await open(second, conversation);
    await expect(second.locator(".question")).toHaveCount(2);
    await expect(second.getByRole("group", { name: "Versions" })).toHaveCount(0);
  });
});

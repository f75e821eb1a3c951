import { readFileSync } from "node:fs";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { answered, askableProject, beginConversation, chooseAction, sendQuestion } from "../support/chat";
import { expect, hydrated, open, test } from "../support/test";

// Run with JavaScript, without, and at phone width.

test.describe.configure({ timeout: 240_000 });

const hasScripts = () => test.info().project.use.javaScriptEnabled !== false;

test("an old message is found and opened; its conversation is renamed, archived, and kept elsewhere", async ({ page }) => {
  const project = await askableProject(page);
  const returns = await beginConversation(page, project, "How long may customers return goods?");
  await beginConversation(page, project, "What does express postage cost?");

  // By other words than those of its title.
  await open(page, `${project}/chat`);
  const field = page.getByRole("searchbox", { name: "Search conversations" });
  await field.fill("days delivery");
  await field.press("Enter");
  await page.waitForURL(/\/chat\?q=/);
  const results = page.getByRole("region", { name: "Found" }).getByRole("listitem");
  await expect(results).toHaveCount(1);
  await expect(results.locator("mark").first()).toBeVisible();
  await expect(field).toHaveValue("days delivery");
  await expectNoSidewaysScroll(page, "found");
  if (hasScripts()) await expectAccessible(page, "found");
  await results.getByRole("link").click();
  await page.waitForURL(new RegExp(`${returns}\\?message=`));
  await hydrated(page);
  const found = page.locator(".message[data-found]");
  await expect(found).toContainText("within 30 days");
  await expect(found).toBeInViewport();

  await chooseAction(page, "Rename");
  const dialog = page.getByRole("dialog", { name: "Rename the conversation" });
  await dialog.getByLabel("Name").fill("Sending goods back");
  await dialog.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Sending goods back" })).toBeAttached();
  await hydrated(page);

  const download = page.waitForEvent("download");
  await chooseAction(page, "Export as Markdown");
  const file = await download;
  expect(file.suggestedFilename()).toBe("Sending goods back.md");
  const text = readFileSync(await file.path(), "utf8");
  expect(text).toMatch(/^# Sending goods back\n\n\*Shop\*\n\n> How long may customers return goods\?\n/);
  expect(text).toContain("[^1]: Terms.md, page 1: “");

  await open(page, returns);
  await chooseAction(page, "Archive");
  await expect(page.locator(".topline").getByText("Archived")).toBeVisible();
  await open(page, `${project}/chat`);
  const list = page.getByRole("navigation", { name: "Conversations" });
  await expect(list.getByRole("link", { name: /express/ })).toBeVisible();
  await expect(list.getByRole("link", { name: /Sending goods back/ })).toHaveCount(0);
  await list.getByRole("link", { name: "Archived" }).click();
  await page.waitForURL(/archived=true/);
  await page.getByRole("navigation", { name: "Archived" }).getByRole("link", { name: /Sending goods back/ }).click();
  await page.waitForURL(returns);
  await hydrated(page);
  // Asking brings it back.
  await sendQuestion(page, "What must the goods be?");
  await open(page, `${project}/chat`);
  await expect(page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: /Sending goods back/ })).toBeVisible();
});

test("a question is asked of the documents that are chosen", async ({ page }) => {
  const project = await askableProject(page);
  const conversation = await beginConversation(page, project, "What does express postage cost?");
  const chips = page.locator(".scope__chips .chip");
  await expect(chips).toHaveText("All 2 documents");
  await expect(page.locator(".answer").last()).toContainText("19 euros");

  await page.locator(".scope summary").click();
  await page.getByRole("checkbox", { name: "Terms.md" }).check();
  await expectNoSidewaysScroll(page, "scope");
  if (hasScripts()) await expectAccessible(page, "scope");
  await page.getByRole("button", { name: "Use these" }).click();
  await expect(chips).toHaveText("Terms.md");
  await hydrated(page);
  await sendQuestion(page, "What does express postage cost, then?");
  await expect(page.locator(".answer").last()).not.toContainText("19 euros");
  await expect(page.getByText("Asked of 1 document")).toBeVisible();

  // More documents than are listed are found by their names.
  await page.locator(".scope summary").click();
  const find = page.getByRole("searchbox", { name: "Find a document" });
  await find.fill("rat");
  if (!hasScripts()) await page.getByRole("button", { name: "Find", exact: true }).click();
  await expect(page.getByRole("checkbox", { name: "Rates.md" })).toBeVisible();
  await expect(page.getByRole("checkbox", { name: "Terms.md" })).toBeChecked();
  await page.getByRole("checkbox", { name: "Terms.md" }).uncheck();
  await page.getByRole("button", { name: "Use these" }).click();
  await expect(chips).toHaveText("All 2 documents");

  // Left out by the project, and chosen for a new conversation all the same.
  await open(page, `${project}/documents`);
  await page.getByRole("link", { name: "Rates.md" }).click();
  await page.waitForURL(/\/documents\//);
  await hydrated(page);
  await page.getByRole("button", { name: "Leave out of chat" }).click();
  await expect(page.getByRole("list", { name: "Facts" })).toContainText("Left out of chat");
  await open(page, `${project}/chat`);
  await expect(chips).toHaveText("All 1 document");
  await sendQuestion(page, "What does express postage cost?");
  await expect(page.locator(".answer").last()).not.toContainText("19 euros");
  await open(page, `${project}/chat`);
  await page.locator(".scope summary").click();
  await page.getByRole("checkbox", { name: "Rates.md" }).check();
  await page.locator(".scope summary").click();
  await sendQuestion(page, "What does express postage cost?");
  await expect(page.locator(".answer").last()).toContainText("19 euros");
  await expect(chips).toHaveText("Rates.md");
  expect(new URL(page.url()).pathname).not.toBe(conversation);
});

test("a question is edited, an answer written again, and each version is there", async ({ page }) => {
  const project = await askableProject(page);
  const conversation = await beginConversation(page, project, "How long may customers return goods?");
  const questions = page.locator(".question");
  await page.locator(".edit summary").click();
  const area = page.getByRole("textbox", { name: "Another version of the question" });
  await expect(area).toHaveValue("How long may customers return goods?");
  await area.fill("What does express postage cost?");
  await page.getByRole("button", { name: "Ask this instead" }).click();
  await expect(questions).toHaveText(["What does express postage cost?"]);
  await answered(page);
  await expect(page.locator(".answer").last()).toContainText("19 euros");
  const versions = (of: string) => page.locator(of).getByRole("group", { name: "Versions" });
  const ofQuestion = versions(".message-tools--question");
  await expect(ofQuestion).toContainText("2/2");
  await expectNoSidewaysScroll(page, "versions");
  if (hasScripts()) await expectAccessible(page, "versions");

  await ofQuestion.getByRole("button", { name: "Previous version" }).click();
  await expect(questions).toHaveText(["How long may customers return goods?"]);
  await expect(page.locator(".answer").last()).toContainText("30 days");
  await expect(ofQuestion).toContainText("1/2");
  if (hasScripts()) await expect(ofQuestion).toBeFocused();

  // The conversation remembers it; another answer is a branch of this one.
  await open(page, conversation);
  await expect(questions).toHaveText(["How long may customers return goods?"]);
  await page.getByRole("button", { name: "Answer again" }).click();
  const ofAnswer = versions(".answer");
  await expect(ofAnswer).toContainText("2/2");
  await answered(page);
  await expect(questions).toHaveCount(1);
  await sendQuestion(page, "What must the goods be?");
  await expect(questions).toHaveText(["How long may customers return goods?", "What must the goods be?"]);
  await ofAnswer.first().getByRole("button", { name: "Previous version" }).click();
  await expect(questions).toHaveText(["How long may customers return goods?"]);
  await ofAnswer.first().getByRole("button", { name: "Next version" }).click();
  await expect(questions).toHaveText(["How long may customers return goods?", "What must the goods be?"]);
});

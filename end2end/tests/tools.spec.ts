import type { Page } from "@playwright/test";
import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { answered, askableProject, chooseAction, tabTo } from "../support/chat";
import { documentRow } from "../support/documents";
import { callingModel } from "../support/models";
import { testWithServer as test } from "../support/server";
import { expect, hydrated, open } from "../support/test";

// Run with JavaScript, without, and at phone width, on a server of each test's own.

test.setTimeout(240_000);

// While there is no server the browser says so.
test.use({ expectedOnConsole: [/net::ERR_|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to load resource/] });

const hasScripts = () => test.info().project.use.javaScriptEnabled !== false;

const create = (title: string) => ({ tool: "create_document", arguments: { title, text: `# ${title}\n\nThe first <b>line</b>.` } });

/** Asks, and waits until the answer waits for a decision. */
async function askAndWait(page: Page, question: string) {
  await page.getByRole("textbox", { name: /^(Your question|Ask another question)$/ }).fill(question);
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(/\/chat\/[0-9a-f-]{36}/);
  await expect(page.locator(".question").last()).toHaveText(question);
  await expect(page.locator(".answer").last()).toHaveAttribute("data-state", "waiting", { timeout: 60_000 });
  await hydrated(page);
}

const call = (page: Page) => page.locator(".tool-call").last();

test("what a model wants to do is done after a yes, and not after a no", async ({ page, server }) => {
  const model = await callingModel([create("Plan"), "The plan is written.", create("Leaflet"), "Then not.", create("Flyer"), "Written at once."]);
  await server.start(model.variables);
  const project = await askableProject(page);
  await open(page, `${project}/chat`);
  await askAndWait(page, "Write a plan");
  await expect(call(page)).toContainText("Create the document “Plan”");
  await expect(call(page)).toContainText("The first <b>line</b>.");
  await expectNoSidewaysScroll(page, "a call that waits");
  if (hasScripts()) await expectAccessible(page, "a call that waits");

  // A second window shows the same, and hears of the decision.
  const second = await page.context().newPage();
  await open(second, new URL(page.url()).pathname);
  await expect(second.getByRole("button", { name: "Refuse: Create the document “Plan”" })).toBeVisible();
  // Whoever is elsewhere in the project sees that somebody is to decide.
  const third = await page.context().newPage();
  await open(third, `${project}/chat`);
  const listed = third.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: /Write a plan/ });
  await expect(listed).toContainText("Waits for a decision");
  await expectNoSidewaysScroll(third, "a list with a mark");
  if (hasScripts()) await expectAccessible(third, "a list with a mark");
  await page.getByRole("button", { name: "Approve: Create the document “Plan”" }).click();
  await answered(page);
  await expect(page.locator(".answer").last()).toContainText("The plan is written.");
  if (!hasScripts()) await third.reload();
  await expect(listed).not.toContainText("Waits for a decision", { timeout: 15_000 });
  await third.close();
  await expect(call(page)).toContainText("Created “Plan”.");
  await expect(page.getByRole("button", { name: /^(Approve|Refuse):/ })).toHaveCount(0);
  if (!hasScripts()) await second.reload();
  await expect(second.locator(".answer").last()).toContainText("The plan is written.");
  await expect(second.getByRole("button", { name: /^(Approve|Refuse):/ })).toHaveCount(0);
  await second.close();

  await askAndWait(page, "And a leaflet");
  await page.getByRole("button", { name: "Refuse: Create the document “Leaflet”" }).click();
  await answered(page);
  await expect(page.locator(".answer").last()).toContainText("Then not.");
  await expect(call(page)).toContainText("Refused");

  await chooseAction(page, "Act without asking");
  await expect(page.locator(".topline").getByText("Acts without asking")).toBeVisible();
  await expectNoSidewaysScroll(page, "without asking");
  await hydrated(page);
  await page.getByRole("textbox", { name: "Ask another question" }).fill("A flyer, then");
  await page.getByRole("button", { name: "Send" }).click();
  await expect(page.locator(".answer")).toHaveCount(3);
  await answered(page);
  await expect(page.locator(".answer").last()).toContainText("Written at once.");

  await open(page, `${project}/documents`);
  await expect(documentRow(page, "Plan")).toBeVisible();
  await expect(documentRow(page, "Flyer")).toBeVisible();
  await expect(documentRow(page, "Leaflet")).toHaveCount(0);
  model.stop();
});

test("a decision is still to be made after the server was killed, by keyboard", async ({ page, server }) => {
  test.skip(!hasScripts(), "the keyboard of a page without scripts is the browser's own");
  const model = await callingModel([create("Plan"), "The plan is written.", create("Other")]);
  await server.start(model.variables);
  const project = await askableProject(page);
  await open(page, `${project}/chat`);
  await askAndWait(page, "Write a plan");

  await server.stop("SIGKILL");
  await server.start(model.variables);
  await open(page, new URL(page.url()).pathname);
  await expect(page.locator(".answer").last()).toHaveAttribute("data-state", "waiting");
  await tabTo(page, page.getByRole("button", { name: "Approve: Create the document “Plan”" }));
  await page.keyboard.press("Enter");
  await expect(call(page)).toBeFocused();
  await answered(page);
  await expect(page.locator(".answer").last()).toContainText("The plan is written.");

  await askAndWait(page, "And another");
  await tabTo(page, page.getByRole("button", { name: "Stop" }));
  await page.keyboard.press("Enter");
  await expect(page.locator(".answer").last()).toHaveAttribute("data-state", "stopped");
  await expect(call(page)).toContainText("The answer ended before anybody decided.");
  await open(page, `${project}/documents`);
  await expect(documentRow(page, "Plan")).toBeVisible();
  await expect(documentRow(page, "Other")).toHaveCount(0);
  model.stop();
});

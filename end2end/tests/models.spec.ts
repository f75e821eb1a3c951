import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { answered, askableProject, beginConversation, sendQuestion, tabTo } from "../support/chat";
import { severalModels } from "../support/models";
import { testWithServer as test } from "../support/server";
import { expect, hydrated, open } from "../support/test";

// Run with JavaScript, without, and at phone width, on a server of each test's own.

test.describe.configure({ timeout: 240_000 });

const hasScripts = () => test.info().project.use.javaScriptEnabled !== false;

const MODELS = [
  { id: "north/large", context_length: 200_000 },
  { id: "north/small", context_length: 4_000, pricing: { prompt: "0.0000025", completion: "0.00001" } },
  { id: "north/text-embedding" },
];

const ANSWER = `They pay nothing [1].

\`\`\`rust
// The price of postage
fn postage(is_gold: bool) -> f64 {
    if is_gold { 0.0 } else { 4.90 } // euros, and "nothing" for gold: a line that is wider than the window of any phone
}
\`\`\`
`;

test("a conversation chooses who answers, and says what it costs; code is coloured", async ({ page, server }) => {
  const models = await severalModels(MODELS, ANSWER);
  await server.start(models.variables);
  const project = await askableProject(page);

  // For the first question.
  await open(page, `${project}/chat`);
  const picker = page.getByRole("combobox", { name: "Model" });
  await expect(picker.getByRole("option")).toHaveText(["north/large", "north/small"]);
  await picker.selectOption("north/small");
  await sendQuestion(page, "What do gold members pay?");
  expect(models.asked).toEqual(["north/small"]);
  await expect(picker).toHaveValue("north/small");
  const facts = page.locator(".answer__facts").last();
  // 1,200 tokens at 2.5 dollars a million, and 34 at 10.
  await expect(facts).toContainText("north/small · 1200 tokens in, 34 out · $0.0033 · ");

  // The passages alone may take most of so small a window.
  const meter = page.locator(".context-meter");
  await expect(meter).toContainText(/Context [5-9]\d % full/);
  await page.locator(".conversation-menu summary").click();
  await expect(page.locator(".conversation-menu")).toContainText("So far 1234 tokens, $0.0033");
  await page.locator(".conversation-menu summary").click();

  const code = page.locator(".answer").last().locator("pre.code");
  await expect(code.locator(".code__keyword")).toHaveText(["fn", "bool", "f64", "if", "else"]);
  await expect(code.locator(".code__name")).toHaveText(["postage"]);
  await expect(code.locator(".code__comment").first()).toHaveText("// The price of postage");
  await expectNoSidewaysScroll(page, "answer with code");
  if (hasScripts()) await expectAccessible(page, "answer with code");

  // From now on the other one, for which nobody has told a price.
  await picker.selectOption("");
  if (!hasScripts()) {
    await page.getByRole("button", { name: "Use this model" }).click();
    await page.waitForURL(/\/chat\//);
  }
  await expect(meter).toBeHidden();
  await page.reload();
  await hydrated(page);
  // Its value is empty, since it is the default.
  await expect(picker).toHaveValue("");
  await expect(code.locator(".code__keyword")).toHaveCount(5);
  await sendQuestion(page, "And in general?");
  expect(models.asked).toEqual(["north/small", "north/large"]);
  await expect(facts).toContainText("north/large · 1200 tokens in, 34 out · ");
  await expect(facts).not.toContainText("$");
  models.stop();
});

test.describe("while the server is away", () => {
  // The browser says so.
  test.use({ expectedOnConsole: [/net::ERR_|ERR_INCOMPLETE_CHUNKED_ENCODING|Failed to load resource/] });

  test("by keyboard: the model is chosen, the code copied, and a model that is gone replaced", async ({ page, server, context }) => {
    test.skip(!hasScripts() || test.info().project.name === "phone", "what only a keyboard and scripts can do");
    const models = await severalModels(MODELS, ANSWER);
    await server.start(models.variables);
    const project = await askableProject(page);
    await beginConversation(page, project, "What do gold members pay?");

    await tabTo(page, page.getByRole("combobox", { name: "Model" }));
    await page.keyboard.press("ArrowDown");
    await expect(page.locator(".context-meter")).toBeVisible();
    await open(page, new URL(page.url()).pathname);
    await expect(page.getByRole("combobox", { name: "Model" })).toHaveValue("north/small");

    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const copy = page.locator(".code-block__copy");
    await tabTo(page, copy);
    await page.keyboard.press("Enter");
    await expect(copy).toHaveText("Copied");
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    expect(`\`\`\`rust\n${copied}\`\`\``).toBe(ANSWER.slice(ANSWER.indexOf("```"), ANSWER.lastIndexOf("```") + 3));
    await expect(copy).toHaveText("Copy");

    // A model that the provider has no more says so, and another one goes on.
    models.stop();
    const fewer = await severalModels([{ id: "north/large" }], ANSWER);
    await server.stop();
    await server.start(fewer.variables);
    await open(page, new URL(page.url()).pathname);
    const picker = page.getByRole("combobox", { name: "Model" });
    await expect(picker.getByRole("option", { name: "north/small (not offered any more)" })).toBeAttached();
    await page.getByRole("textbox", { name: "Ask another question" }).fill("And for others?");
    await page.keyboard.press("Enter");
    await expect(page.locator(".interruption")).toContainText("north/small is not offered any more");
    const saved = page.waitForResponse(/\/api\/choose_model/);
    await picker.selectOption("");
    await saved;
    await page.getByRole("button", { name: "Try again" }).click();
    await answered(page);
    expect(fewer.asked).toEqual(["north/large"]);
    fewer.stop();
  });
});

test("where there is one model, or none, nothing is to be chosen", async ({ page, server }) => {
  const models = await severalModels([{ id: "north/large" }, { id: "north/text-embedding" }], ANSWER);
  await server.start(models.variables);
  const project = await askableProject(page);
  await beginConversation(page, project, "What do gold members pay?");
  const picker = page.getByRole("combobox", { name: "Model" });
  await expect(picker).toHaveCount(0);
  await open(page, `${project}/chat`);
  await expect(picker).toHaveCount(0);
  models.stop();
});

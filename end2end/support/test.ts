import { test as base, expect, type Page } from "@playwright/test";

type Options = {
  /** What the console may say in this test, because the test provokes it. */
  expectedOnConsole: RegExp[];
};

/**
 * A test that fails when the page logs an error or a warning, or throws: a hydration mismatch shows there, and so does a
 * resource that the content security policy refused.
 */
export const test = base.extend<Options & { console: string[] }>({
  expectedOnConsole: [[], { option: true }],
  console: [
    async ({ context, expectedOnConsole }, use) => {
      const complaints: string[] = [];
      // Without scripts nothing uses what is preloaded for them; a page that stays open for long complains.
      if (test.info().project.use.javaScriptEnabled === false) expectedOnConsole = [...expectedOnConsole, /preloaded using link preload/];
      const note = (complaint: string) => {
        if (!expectedOnConsole.some((expected) => expected.test(complaint))) complaints.push(complaint);
      };
      context.on("console", (message) => {
        if (["error", "warning"].includes(message.type())) {
          note(`${message.type()} on ${message.location().url}: ${message.text()}`);
        }
      });
      context.on("weberror", (error) => note(`thrown: ${error.error().stack ?? error.error().message}`));
      await use(complaints);
      expect(complaints, "The console must be empty").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** Waits until the page reacts to more than links and forms; without JavaScript there is nothing to wait for. */
export async function hydrated(page: Page) {
  if (test.info().project.use.javaScriptEnabled !== false) {
    await expect(page.locator("html[data-hydrated]")).toBeAttached();
  }
}

/** Goes to an address and waits until the page reacts. */
export async function open(page: Page, path: string) {
  const response = await page.goto(path);
  await hydrated(page);
  return response;
}

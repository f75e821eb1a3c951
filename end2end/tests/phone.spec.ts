import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { OPEN_PLACES, fillStudio } from "../support/studio";
import { open, test } from "../support/test";

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 404 .*/] });

test("no page scrolls sideways, and axe finds nothing serious", async ({ page }) => {
  test.setTimeout(300_000);
  const visit = async (name: string, path: string) => {
    await (path.startsWith("/api/") ? page.goto(path) : open(page, path));
    await expectNoSidewaysScroll(page, name);
    await expectAccessible(page, name);
  };
  for (const { name, path } of OPEN_PLACES) await visit(name, path);
  for (const { name, path } of await fillStudio(page)) await visit(name, path);
});

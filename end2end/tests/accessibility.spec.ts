import { expectAccessible } from "../support/accessibility";
import { OPEN_PLACES, fillStudio } from "../support/studio";
import { open, test } from "../support/test";

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 404 .*/] });

test("axe finds nothing serious on any page, light or dark", async ({ page }) => {
  test.setTimeout(300_000);
  for (const { name, path } of OPEN_PLACES) {
    await open(page, path);
    await expectAccessible(page, name);
  }
  for (const { name, path } of await fillStudio(page)) {
    await (path.startsWith("/api/") ? page.goto(path) : open(page, path));
    await expectAccessible(page, name);
  }
});

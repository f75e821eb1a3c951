import { test } from "../support/test";
import { walk } from "../support/walk";

test("sign up, add a PDF, ask it, open the passage behind the answer", async ({ page }) => {
  test.setTimeout(180_000);
  await walk(page);
});

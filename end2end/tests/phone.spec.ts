import { expectAccessible, expectNoSidewaysScroll } from "../support/accessibility";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { OPEN_PLACES, fillStudio } from "../support/studio";
import { expect, open, test } from "../support/test";

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

test("the rail opens as a sheet, and goes when a place is chosen in it", async ({ page }) => {
  await signUp(page);
  const workspace = await createWorkspace(page);
  await createProject(page, workspace, "Autumn campaign");
  await createProject(page, workspace, "Winter lookbook");
  const rail = page.getByRole("complementary", { name: "Workspace" });
  const more = page.getByRole("button", { name: "More" });
  await expect(rail).toBeHidden();
  await more.click();
  await expect(rail).toBeVisible();
  await expectAccessible(page, "the rail as a sheet");
  await rail.locator(".rail__foot summary").click();
  await expect(rail.getByRole("button", { name: "Sign out" })).toBeVisible();
  await more.click();
  await expect(rail).toBeHidden();
  await more.click();
  await rail.getByRole("link", { name: "Autumn campaign" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Autumn campaign" })).toBeVisible();
  await expect(rail).toBeHidden();
});

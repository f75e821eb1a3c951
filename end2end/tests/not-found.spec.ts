import { randomUUID } from "node:crypto";
import { signUp } from "../support/accounts";
import { expect, open, test } from "../support/test";

test.use({ expectedOnConsole: [/Failed to load resource: the server responded with a status of 404/] });

test("an unknown address is a 404 in the design", async ({ page }) => {
  const response = await open(page, "/no/such/page");
  expect(response?.status()).toBe(404);
  await expect(page.getByRole("heading", { level: 1, name: "There is no page here" })).toBeVisible();
  await page.getByRole("link", { name: "atelier" }).click();
  await expect(page).toHaveURL("/");
});

test("what belongs to nobody is not found either", async ({ page }) => {
  await signUp(page);
  for (const path of ["/workspaces", "/projects", "/documents", "/chat"]) {
    const response = await open(page, `${path}/${randomUUID()}`);
    expect(response?.status(), path).toBe(404);
    await expect(page.getByRole("main"), path).toBeVisible();
    const malformed = await open(page, `${path}/not-an-id`);
    expect(malformed?.status(), path).toBe(404);
  }
});

test("under /api it is a problem document", async ({ request }) => {
  for (const path of ["/api/no/such/route", "/api/v1/nothing"]) {
    const response = await request.get(path);
    expect(response.status(), path).toBe(404);
    expect(response.headers()["content-type"], path).toContain("application/problem+json");
    expect(await response.json(), path).toMatchObject({ status: 404 });
  }
});

test("a malformed body is refused, not a crash", async ({ page }) => {
  await signUp(page);
  const origin = new URL(page.url()).origin;
  for (const data of ["{", "[]", '{"name": 7}', '{"name": ""}', "\u0000"]) {
    const response = await page.request.post("/api/v1/workspaces", {
      data: Buffer.from(data),
      headers: { "content-type": "application/json", origin },
    });
    expect([400, 422], data).toContain(response.status());
    expect(response.headers()["content-type"], data).toContain("application/problem+json");
  }
});

import { Compose } from "../support/compose";
import { embeddingModel } from "../support/models";
import { Parts } from "../support/parts";
import { test as base, expect } from "../support/test";
import { walk } from "../support/walk";

// docker-compose.prod.yml, with an image that was built before: `cargo xtask image`, `cargo xtask test --image atelier container`.

const image = process.env.ATELIER_IMAGE;

const test = base.extend<{ compose: Compose }>({
  compose: async ({}, use, info) => {
    const parts = await Parts.start(info.outputPath("parts.log"));
    const model = await embeddingModel("No passage waits");
    const compose = await Compose.up(image ?? "", { ...parts.variables, ...model.variables });
    await use(compose);
    await compose.down();
    model.stop();
    parts.end();
  },
  baseURL: async ({ compose }, use) => use(compose.url),
});

test("web and worker of the compose file are healthy, and a person gets a cited answer", async ({ page, compose }) => {
  test.setTimeout(240_000);
  for (const service of ["app", "worker"]) await expect.poll(() => compose.health(service), { timeout: 90_000 }).toBe("healthy");
  await walk(page);

  const inside = (...command: string[]) => compose.run("exec", "-T", "app", ...command);
  expect((await inside("id", "-u")).trim()).toBe("10001");
  await expect(inside("touch", "/app/x")).rejects.toThrow(/Read-only file system/);
  expect(await inside("atelier", "doctor")).toMatch(/^ok /);
});

test.skip(!image, "There is no image: ATELIER_IMAGE names one");

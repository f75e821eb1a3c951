import type { Browser, Page } from "@playwright/test";
import { OPEN_PLACES, fillStudio } from "../support/studio";
import { hydrated, test } from "../support/test";

const KINDS = ["wasm", "js", "css", "fonts", "page"] as const;
type Kind = (typeof KINDS)[number];

// What a browser with nothing in its cache receives for one page, in kB (1000 bytes), compressed as it was sent.
test("what the first load of each page weighs", async ({ page, browser }) => {
  const places = [...OPEN_PLACES, ...(await fillStudio(page))].filter(({ path }) => !path.startsWith("/api/"));
  const rows = [];
  for (const { name, path } of places) {
    const weights = await weigh(browser, page, path);
    const sum = KINDS.reduce((sum, kind) => sum + weights[kind], 0);
    rows.push({ page: name, ...Object.fromEntries(KINDS.map((kind) => [kind, kilo(weights[kind])])), all: kilo(sum) });
  }
  console.table(rows);
});

/** Opens `path` in a browser of its own, as whoever is signed in on `page`. */
async function weigh(browser: Browser, page: Page, path: string) {
  const weights: Record<Kind, number> = { wasm: 0, js: 0, css: 0, fonts: 0, page: 0 };
  const isForStrangers = OPEN_PLACES.some((place) => place.path === path);
  const context = await browser.newContext(isForStrangers ? {} : { storageState: await page.context().storageState() });
  const fresh = await context.newPage();
  const devtools = await context.newCDPSession(fresh);
  const urls = new Map<string, string>();
  await devtools.send("Network.enable");
  devtools.on("Network.requestWillBeSent", ({ requestId, request }) => urls.set(requestId, request.url));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    weights[kind(urls.get(requestId) ?? "")] += encodedDataLength;
  });
  await fresh.goto(new URL(path, page.url()).href);
  await hydrated(fresh);
  // An open stream of events keeps the network from ever being idle.
  await fresh.waitForTimeout(1500);
  await context.close();
  return weights;
}

function kind(url: string): Kind {
  const extension = /\.(wasm|js|css|woff2)(\?|$)/.exec(url)?.[1];
  return extension === "woff2" ? "fonts" : extension === "wasm" || extension === "js" || extension === "css" ? extension : "page";
}

const kilo = (bytes: number) => Math.round(bytes / 100) / 10;

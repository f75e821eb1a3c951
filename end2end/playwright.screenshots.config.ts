import { defineConfig } from "@playwright/test";
import { baseURL, launchOptions, phone } from "./browser";

// `npm run screenshots` walks the product and writes a picture of every page to the folder in SCREENSHOTS.
const desktop = { viewport: { width: 1440, height: 900 } };

export default defineConfig({
  testDir: "pictures",
  outputDir: "test-results",
  workers: 1,
  timeout: 600_000,
  // Pictures are taken while other things run.
  expect: { timeout: 30_000 },
  reporter: "list",
  use: { baseURL, launchOptions, locale: "en-GB", timezoneId: "Europe/Berlin" },
  projects: [
    { name: "1440", use: desktop },
    { name: "390", use: phone },
  ],
});

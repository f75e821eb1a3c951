import { defineConfig } from "@playwright/test";
import { baseURL, launchOptions } from "./browser";

// `cargo xtask bench first_load` runs this on a server of its own: the time until a click works.
export default defineConfig({
  testDir: "figures",
  outputDir: "test-results",
  workers: 1,
  timeout: 300_000,
  reporter: "list",
  use: { baseURL, launchOptions, locale: "en-GB", timezoneId: "Europe/Berlin", viewport: { width: 1440, height: 900 } },
});

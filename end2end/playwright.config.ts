import { defineConfig } from "@playwright/test";
import { baseURL, launchOptions, phone } from "./browser";

const desktop = { viewport: { width: 1440, height: 900 } };

export default defineConfig({
  testDir: "tests",
  outputDir: "test-results",
  forbidOnly: true,
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 60_000,
  // An unoptimised server answers slowly while it indexes a document beside.
  expect: { timeout: 10_000 },
  reporter: [["list"], ["./summary-reporter.ts"]],
  use: { baseURL, launchOptions, locale: "en-GB", timezoneId: "Europe/Berlin", trace: "retain-on-failure", screenshot: "only-on-failure" },
  projects: [
    { name: "js", testIgnore: /(phone|without-script|written-plain)\.spec/, use: desktop },
    {
      name: "no-js",
      testMatch: /(account|confirm|conversations|folders|forms|links|members|models|not-found|search|shares|sign-in|tools|without-script|written-plain)\.spec/,
      // Without scripts Playwright cannot tell when an animation has ended, and waits for it forever.
      use: { ...desktop, javaScriptEnabled: false, contextOptions: { reducedMotion: "reduce" } },
    },
    { name: "phone", testMatch: /(branches|conversations|models|tools|walk|phone)\.spec/, use: phone },
  ],
});

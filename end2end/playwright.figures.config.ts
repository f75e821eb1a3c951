import { defineConfig } from "@playwright/test";
import { baseURL, launchOptions } from "./browser";

// Figures of docs/benchmarks.md that only a browser can take: `npm run figures` against an optimised build at ATELIER_URL.
export default defineConfig({
  testDir: "figures",
  testMatch: /\.ts$/,
  outputDir: "test-results",
  workers: 1,
  timeout: 300_000,
  reporter: [["line"]],
  use: { baseURL, launchOptions, viewport: { width: 1440, height: 900 } },
});

import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";
import { writeFileSync } from "node:fs";

/** Writes how many tests passed and failed to the file that `cargo xtask test` names. */
export default class SummaryReporter implements Reporter {
  private readonly outcomes = new Map<string, boolean>();
  private errors = 0;

  onTestEnd(test: TestCase, result: TestResult) {
    if (result.status !== "skipped") this.outcomes.set(test.id, test.ok());
  }

  /** An error outside of any test, such as a file that does not compile. */
  onError() {
    this.errors += 1;
  }

  onEnd(_: FullResult) {
    const file = process.env.ATELIER_TEST_SUMMARY;
    if (!file) return;
    const results = [...this.outcomes.values()];
    const passed = results.filter((ok) => ok).length;
    writeFileSync(file, `${passed} ${results.length - passed + this.errors}\n`);
  }

  printsToStdio() {
    return false;
  }
}

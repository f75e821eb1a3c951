import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { binary } from "./server";

/** A Postgres and an object store that outlive the servers of a test, and a folder that those share. */
export class Parts {
  private constructor(
    private readonly processes: ChildProcess[],
    private readonly folder: string,
    /** By which a server uses them, in production too, with people of the embedded provider. */
    readonly variables: Record<string, string>,
  ) {}

  /** Their log is `log`. */
  static async start(log: string): Promise<Parts> {
    const folder = mkdtempSync(join(tmpdir(), "atelier-parts-"));
    // Where this runs as root, Postgres is another user, and must reach what is its own.
    chmodSync(folder, 0o755);
    const [postgres, [url]] = await listen(log, ["postgres", "--volatile", "--data", join(folder, "postgres")], 1);
    const [objects, settings] = await listen(log, ["objects", "--data", join(folder, "objects")], 4);
    const store = settings.map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]);
    const people = { ATELIER_IDENTITY: "embedded", SMTP_URL: "smtp://127.0.0.1:1", MAIL_FROM: "Atelier <atelier@example.com>" };
    return new Parts([postgres, objects], folder, { DATABASE_URL: url ?? "", ...Object.fromEntries(store), ...people });
  }

  end() {
    for (const process of this.processes) process.kill("SIGTERM");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs the server's binary until it has printed so many lines. */
async function listen(log: string, command: string[], lines: number): Promise<[ChildProcess, string[]]> {
  const child = spawn(binary(), command, { stdio: ["pipe", "pipe", openSync(log, "a")] });
  const printed: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    printed.push(line);
    if (printed.length === lines) return [child, printed];
  }
  throw new Error(`No ${command[0]}: see ${log}`);
}

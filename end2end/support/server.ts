import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "./test";

/** How long the server may take until it is ready. */
const READY = 60_000;

/** How a container is run: as production runs it, but for the network, which is the test's. */
const CONTAINER = ["run", "--rm", "--network=host", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"];

/** A server of the test's own, which it may stop, kill, and start again on the same data at the same address. */
export class OwnServer {
  private process?: ChildProcess;

  private constructor(
    private readonly port: number,
    private readonly data: string,
    private readonly log: string,
    private readonly image?: string,
  ) {}

  /**
   * Made, not started. Its log is in `folder`. With an image it is a container of that, which can be stopped but not killed,
   * and brings neither a database nor an object store.
   */
  static async withLogIn(folder: string, image?: string): Promise<OwnServer> {
    mkdirSync(folder, { recursive: true });
    const data = mkdtempSync(join(tmpdir(), "atelier-"));
    // Where this runs as root, Postgres is another user, and must reach what is its own; and so is who runs in a container.
    chmodSync(data, image ? 0o777 : 0o755);
    return new OwnServer(await freePort(), data, join(folder, "atelier.log"), image);
  }

  /** Another process on the same data, at an address of its own. Made, not started; ends before this one. */
  async beside(): Promise<OwnServer> {
    return new OwnServer(await freePort(), this.data, this.log, this.image);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it with these variables beside the defaults, and waits until it is ready. */
  async start(variables: Record<string, string> = {}, command = ["serve"]) {
    this.process = this.spawn({ LEPTOS_SITE_ADDR: `127.0.0.1:${this.port}`, ...variables }, command);
    const end = Date.now() + READY;
    while (!(await this.isReady())) {
      if (this.process.exitCode !== null || Date.now() > end) throw new Error(`No server: see ${this.log}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  private spawn(variables: Record<string, string>, command: string[]) {
    const log = openSync(this.log, "a");
    const stdio: StdioOptions = ["ignore", log, log];
    if (this.image) {
      const set = Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`);
      return spawn("docker", [...CONTAINER, `--volume=${this.data}:/data`, ...set, this.image, "atelier", ...command], { stdio });
    }
    return spawn(binary(), command, { env: { ...process.env, ATELIER_DATA_DIR: this.data, ...variables }, stdio });
  }

  /** As an orchestrator stops it, or as a crash does. */
  async stop(signal: "SIGTERM" | "SIGKILL" = "SIGTERM") {
    const process = this.process;
    if (!process || process.exitCode !== null || process.signalCode !== null) return;
    const ended = new Promise((resolve) => process.once("exit", resolve));
    process.kill(signal);
    await ended;
  }

  /** Stops it and removes its data. */
  async end() {
    await this.stop();
    rmSync(this.data, { recursive: true, force: true });
  }

  private async isReady() {
    try {
      return (await fetch(`${this.url}/readyz`)).ok;
    } catch {
      return false;
    }
  }
}

/** The server's program. */
export function binary(): string {
  const binary = process.env.ATELIER_BINARY;
  if (!binary) throw new Error("ATELIER_BINARY must name the server; `cargo xtask test` sets it");
  return binary;
}

/** A test with a server of its own, which it starts itself. */
export const testWithServer = test.extend<{ server: OwnServer }>({
  server: async ({}, use, info) => {
    const server = await OwnServer.withLogIn(info.outputDir);
    await use(server);
    await server.end();
  },
  baseURL: async ({ server }, use) => use(server.url),
});

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "./server";

const execute = promisify(execFile);

/** docker-compose.prod.yml running, on this machine's network: a database and an object store on loopback may be reached without TLS. */
export class Compose {
  private constructor(
    private readonly folder: string,
    readonly url: string,
  ) {}

  static async up(image: string, variables: Record<string, string>): Promise<Compose> {
    const folder = mkdtempSync(join(tmpdir(), "atelier-compose-"));
    const [web, worker] = [await freePort(), await freePort()];
    const compose = new Compose(folder, `http://127.0.0.1:${web}`);
    const hosted = (port: number) => `network_mode: host\n    environment: { LEPTOS_SITE_ADDR: "127.0.0.1:${port}" }`;
    let text = readFileSync("../docker-compose.prod.yml", "utf8");
    for (const [from, to] of [
      ["image: atelier:latest", `image: ${image}`],
      ['ports: ["127.0.0.1:3000:3000"]', hosted(web)],
      ['command: ["atelier", "worker"]', `command: ["atelier", "worker"]\n    ${hosted(worker)}`],
      ['# volumes: ["identity:/data"]', 'volumes: ["identity:/data"]'],
      ["# volumes: { identity: {} }", "volumes: { identity: {} }"],
    ] as const) {
      if (!text.includes(from)) throw new Error(`docker-compose.prod.yml has no \`${from}\` any more`);
      text = text.replace(from, to);
    }
    writeFileSync(join(folder, "docker-compose.yml"), text);
    const all = { ATELIER_ENV: "production", ATELIER_PUBLIC_URL: compose.url, ...variables };
    writeFileSync(join(folder, ".env.production"), Object.entries(all).map(([name, value]) => `${name}=${value}\n`).join(""));
    await compose.run("up", "--detach", "--no-build");
    return compose;
  }

  /** Runs a command of docker-compose; returns what it prints. What the test itself serves goes on meanwhile. */
  async run(...command: string[]): Promise<string> {
    try {
      return (await execute("docker-compose", command, { cwd: this.folder })).stdout;
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`docker-compose ${command.join(" ")}: ${stdout}${stderr}`);
    }
  }

  /** `starting`, `healthy` or `unhealthy`. */
  async health(service: string): Promise<string> {
    const id = (await this.run("ps", "--quiet", service)).trim();
    return (await execute("docker", ["inspect", "--format", "{{.State.Health.Status}}", id])).stdout.trim();
  }

  async down() {
    await this.run("down", "--volumes", "--timeout", "45");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

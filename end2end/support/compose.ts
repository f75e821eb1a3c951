import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server";

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
    compose.run("up", "--detach", "--no-build");
    return compose;
  }

  /** Runs a command of docker-compose; returns what it prints. */
  run(...command: string[]): string {
    return execFileSync("docker-compose", command, { cwd: this.folder, encoding: "utf8" });
  }

  /** `starting`, `healthy` or `unhealthy`. */
  health(service: string): string {
    const id = this.run("ps", "--quiet", service).trim();
    return execFileSync("docker", ["inspect", "--format", "{{.State.Health.Status}}", id], { encoding: "utf8" }).trim();
  }

  down() {
    this.run("down", "--volumes", "--timeout", "45");
    rmSync(this.folder, { recursive: true, force: true });
  }
}

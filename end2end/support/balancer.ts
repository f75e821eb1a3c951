import { type Socket, connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** How often it looks who is ready. */
const LOOK = 100;

/**
 * What stands before the servers, as an orchestrator's proxy does: each new connection goes to one that was ready a moment
 * ago, in turn. It hides no failure: a connection that its server refuses is closed.
 */
export class Balancer {
  private readonly servers: { port: number; ready: boolean }[] = [];
  private readonly looking: NodeJS.Timeout;
  private turn = 0;

  private constructor(private readonly listener: ReturnType<typeof createServer>) {
    this.looking = setInterval(() => void this.look(), LOOK);
  }

  static async start(): Promise<Balancer> {
    const listener = createServer();
    const balancer = new Balancer(listener);
    listener.on("connection", (socket) => balancer.pass(socket));
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    return balancer;
  }

  get url() {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** It gets connections when it is ready. */
  async add(url: string) {
    this.servers.push({ port: Number(new URL(url).port), ready: false });
    await this.look();
  }

  stop() {
    clearInterval(this.looking);
    this.listener.close();
  }

  private async look() {
    await Promise.all(
      this.servers.map(async (server) => {
        server.ready = await fetch(`http://127.0.0.1:${server.port}/readyz`).then(
          (answer) => answer.ok,
          () => false,
        );
      }),
    );
  }

  private pass(socket: Socket) {
    const ready = this.servers.filter((server) => server.ready);
    const server = ready[(this.turn += 1) % Math.max(ready.length, 1)];
    if (!server) {
      socket.destroy();
      return;
    }
    const upstream = connect(server.port, "127.0.0.1");
    socket.pipe(upstream).pipe(socket);
    socket.on("error", () => upstream.destroy());
    upstream.on("error", () => socket.destroy());
  }
}

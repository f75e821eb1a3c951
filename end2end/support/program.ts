import { Agent, type IncomingMessage, request } from "node:http";

/** An answer that has been read. */
export type Answer = { status: number; body: string };

/** A program that uses the site with a person's cookies. Each request has a connection of its own, as those of many people have. */
export class Program {
  constructor(
    readonly url: string,
    readonly cookie: string,
  ) {}

  async get(path: string): Promise<Answer> {
    return read(await this.send("GET", path));
  }

  async post(path: string, value: object): Promise<Answer> {
    return read(await this.send("POST", path, { "content-type": "application/json" }, JSON.stringify(value)));
  }

  /** Sends a file as a form does. */
  async upload(path: string, name: string, text: string): Promise<Answer> {
    const head = `--edge\r\ncontent-disposition: form-data; name="file"; filename="${name}"\r\ncontent-type: text/markdown\r\n\r\n`;
    return read(await this.send("POST", path, { "content-type": "multipart/form-data; boundary=edge" }, `${head}${text}\r\n--edge--\r\n`));
  }

  /**
   * Follows an event stream as a browser does, which comes back with the last number that it saw when the stream ends; until an
   * event for which `last` holds. Returns the numbers and data of all events, and how often it came back.
   */
  async follow(path: string, last: (data: string) => boolean) {
    const events: { id: number; data: string }[] = [];
    for (let returns = 0; ; returns += 1) {
      const seen = events.at(-1)?.id;
      const stream = await this.send("GET", path, { accept: "text/event-stream", ...(seen === undefined ? {} : { "last-event-id": `${seen}` }) });
      if (stream.statusCode !== 200) throw new Error(`${path}: ${stream.statusCode}`);
      let rest = "";
      for await (const piece of stream.setEncoding("utf8")) {
        const blocks = (rest + piece).split("\n\n");
        rest = blocks.pop() ?? "";
        for (const block of blocks) {
          const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, "m").exec(block)?.[1];
          const data = field("data");
          if (data === undefined) continue;
          events.push({ id: Number(field("id")), data });
          if (last(data)) {
            stream.destroy();
            return { events, returns };
          }
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  private send(method: string, path: string, headers: Record<string, string> = {}, body = ""): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { method, headers: { cookie: this.cookie, origin: this.url, ...headers }, agent: new Agent({ keepAlive: false }) };
      request(new URL(path, this.url), options, resolve).on("error", reject).end(body);
    });
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  let body = "";
  for await (const piece of response.setEncoding("utf8")) body += piece;
  return { status: response.statusCode ?? 0, body };
}

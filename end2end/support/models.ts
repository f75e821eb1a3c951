import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A provider at the network's edge that speaks OpenAI's protocol; the test decides what it says. */
export class Provider {
  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    /** What OPENAI_BASE_URL would be. */
    readonly url: string,
  ) {}

  /** `models` is its list of models, each as a provider describes it. */
  static async answering(
    answer: (body: Record<string, unknown>, response: ServerResponse) => Promise<void>,
    models: object[] = [],
  ): Promise<Provider> {
    const server = createServer((request, response) => {
      if (request.method === "GET") {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ object: "list", data: models }));
        return;
      }
      read(request)
        .then((body) => answer(body, response))
        .catch(() => response.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Provider(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece as Uint8Array);
  return JSON.parse(Buffer.concat(pieces).toString("utf8")) as Record<string, unknown>;
}

const DIMENSIONS = 64;

/** Texts with the same words are near each other. */
function vector(text: string): number[] {
  const vector = new Array<number>(DIMENSIONS).fill(0.01);
  for (const word of text.toLowerCase().match(/\p{L}{4,}/gu) ?? []) {
    let hash = 7;
    for (const letter of word) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003;
    vector[hash % DIMENSIONS] = (vector[hash % DIMENSIONS] ?? 0) + 1;
  }
  return vector;
}

/** A model that embeds, with the variables that name it. Passages, which begin with `title`, wait for `release`. */
export async function embeddingModel(title: string) {
  const embedded: string[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  const provider = await Provider.answering(async (body, response) => {
    const texts = body.input as string[];
    if (texts.some((text) => text.startsWith(title))) await released;
    embedded.push(...texts);
    const data = texts.map((text, index) => ({ object: "embedding", index, embedding: vector(text) }));
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ object: "list", model: "words", data, usage: { prompt_tokens: 1, total_tokens: 1 } }));
  });
  const variables = { EMBEDDING_BASE_URL: provider.url, EMBEDDING_MODEL: "words", EMBEDDING_DIMENSIONS: `${DIMENSIONS}` };
  return { embedded, release, variables, stop: () => provider.stop() };
}

/** A piece of a streamed answer. */
const chunk = (delta: object, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`;

/** What a model says, or which tool it calls. */
export type Turn = string | { tool: string; arguments: Record<string, unknown> };

/** A model that takes these turns, one a request, with the variables that name it. */
export async function callingModel(turns: Turn[]) {
  const left = [...turns];
  const provider = await Provider.answering(async (_, response) => {
    const turn = left.shift() ?? "Nothing more.";
    response.setHeader("content-type", "text/event-stream");
    if (typeof turn === "string") {
      response.end(`${chunk({ content: turn })}${chunk({}, "stop")}data: [DONE]\n\n`);
      return;
    }
    const text = JSON.stringify(turn.arguments);
    const middle = Math.floor(text.length / 2);
    const piece = (more: object) => chunk({ tool_calls: [{ index: 0, ...more }] });
    response.write(piece({ id: `call_${left.length}`, type: "function", function: { name: turn.tool, arguments: "" } }));
    response.write(piece({ function: { arguments: text.slice(0, middle) } }));
    response.write(piece({ function: { arguments: text.slice(middle) } }));
    response.end(`${chunk({}, "tool_calls")}data: [DONE]\n\n`);
  });
  return { variables: { LLM_BASE_URL: provider.url, LLM_MODEL: "m" }, stop: () => provider.stop() };
}

/** A model that says these words, with a pause of so many milliseconds before each, with the variables that name it. */
export async function slowModel(words: string[], pause: number) {
  let asked = 0;
  const provider = await Provider.answering(async (_, response) => {
    asked += 1;
    response.setHeader("content-type", "text/event-stream");
    for (const [index, word] of words.entries()) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      response.write(chunk({ content: index === 0 ? word : ` ${word}` }));
    }
    response.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
  });
  return { asked: () => asked, variables: { LLM_BASE_URL: provider.url, LLM_MODEL: "m" }, stop: () => provider.stop() };
}

/** A model that begins its first answer and goes silent, and gives its later ones whole, with the variables that name it. */
export async function silentModel(beginning: string, whole: string) {
  let asked = 0;
  const provider = await Provider.answering(async (_, response) => {
    asked += 1;
    response.setHeader("content-type", "text/event-stream");
    response.write(chunk({ content: asked === 1 ? beginning : whole }));
    if (asked === 1) return;
    response.end(`${chunk({}, "stop")}data: [DONE]\n\n`);
  });
  return { variables: { LLM_BASE_URL: provider.url, LLM_MODEL: "m" }, stop: () => provider.stop() };
}

/** A provider of several models, each of which gives the same answer in small pieces, with the variables that name it. */
export async function severalModels(models: object[], answer: string) {
  const asked: string[] = [];
  const provider = await Provider.answering(async (body, response) => {
    asked.push(String(body.model));
    const chunk = (choices: object[], usage?: object) =>
      `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: body.model, choices, usage })}\n\n`;
    response.setHeader("content-type", "text/event-stream");
    for (const content of answer.match(/.{1,12}/gs) ?? []) response.write(chunk([{ index: 0, delta: { content }, finish_reason: null }]));
    response.write(chunk([{ index: 0, delta: {}, finish_reason: "stop" }]));
    response.end(`${chunk([], { prompt_tokens: 1_200, completion_tokens: 34 })}data: [DONE]\n\n`);
  }, models);
  const name = (models[0] as { id: string }).id;
  return { asked, variables: { LLM_BASE_URL: provider.url, LLM_MODEL: name }, stop: () => provider.stop() };
}

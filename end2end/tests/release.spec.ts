import type { Page } from "@playwright/test";
import { createProject, createWorkspace, signUp } from "../support/accounts";
import { Balancer } from "../support/balancer";
import { embeddingModel, slowModel } from "../support/models";
import { Parts } from "../support/parts";
import { Program } from "../support/program";
import { OwnServer } from "../support/server";
import { test as base, expect } from "../support/test";

// A new version takes over from the old one, as on Easypanel: it is started beside it on the same database and files, and the
// old one is stopped when the new one is ready. `cargo xtask test --image atelier release` does it with containers.

type Release = { old: OwnServer; next: OwnServer; balancer: Balancer; variables: Record<string, string> };

const test = base.extend<{ release: Release }>({
  release: async ({}, use, info) => {
    const old = await OwnServer.withLogIn(info.outputDir, process.env.ATELIER_IMAGE);
    const next = await old.beside();
    const parts = await Parts.start(info.outputPath("parts.log"));
    const balancer = await Balancer.start();
    const variables = {
      ...parts.variables,
      ATELIER_ENV: "production",
      ATELIER_PUBLIC_URL: balancer.url,
      ATELIER_RATE_LIMIT_PER_MINUTE: "100000",
      LOG: "info,server=debug",
    };
    await use({ old, next, balancer, variables });
    await next.stop();
    await old.end();
    balancer.stop();
    parts.end();
  },
  baseURL: async ({ release }, use) => use(release.balancer.url),
});

const WORDS = Array.from({ length: 150 }, (_, index) => `word${index}`);

/** What people do all the while; each failure is a line. */
class Load {
  readonly failures: string[] = [];
  readonly made = { conversations: 1, documents: 0 };
  private going = true;
  private readonly loops: Promise<void>[];

  constructor(
    private readonly program: Program,
    private readonly project: string,
  ) {
    this.loops = [
      this.again(50, "page", 200, () => program.get(project)),
      this.again(50, "page without a session", 200, () => new Program(program.url, "").get("/login")),
      this.again(100, "read", 200, () => program.get(`/api/v1${project}/conversations`)),
      this.again(200, "write", 201, () => program.post(`/api/v1${project}/conversations`, {}), () => (this.made.conversations += 1)),
      this.again(700, "upload", 201, () => this.upload(), () => (this.made.documents += 1)),
    ];
  }

  async end() {
    this.going = false;
    await Promise.all(this.loops);
  }

  private upload() {
    const number = this.made.documents;
    return this.program.upload(`/api/v1${this.project}/documents`, `Note ${number}.md`, `Note number${number}x of the harbour office.\n`);
  }

  private async again(pause: number, name: string, wanted: number, once: () => Promise<{ status: number; body: string }>, done = () => {}) {
    while (this.going) {
      try {
        const { status, body } = await once();
        if (status === wanted) done();
        else this.failures.push(`${name}: ${status} ${body.slice(0, 200)}`);
      } catch (error) {
        this.failures.push(`${name}: ${error}`);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

async function program(page: Page, url: string) {
  const cookies = await page.context().cookies();
  return new Program(url, cookies.map(({ name, value }) => `${name}=${value}`).join("; "));
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a new version takes over: no request fails, no word is lost, nothing is done twice", async ({ page, release }) => {
  test.setTimeout(240_000);
  const { old, next, balancer } = release;
  const embedding = await embeddingModel("No passage waits");
  const answering = await slowModel(WORDS, 100);
  const variables = { ...release.variables, ...embedding.variables, ...answering.variables };
  await old.start(variables);
  await balancer.add(old.url);
  await signUp(page);
  const project = await createProject(page, await createWorkspace(page));
  const person = await program(page, balancer.url);
  const conversation = JSON.parse((await person.post(`/api/v1${project}/conversations`, {})).body) as { id: string };

  const load = new Load(person, project);
  await next.start(variables);
  // Asked while there is only the old version to ask, in time to be half written when that is told to stop.
  const asked = await person.post(`/api/v1/conversations/${conversation.id}/messages`, { text: "Which words are there?" });
  expect(asked.status, asked.body).toBe(202);
  const { answer } = JSON.parse(asked.body) as { answer: { id: string } };
  await balancer.add(next.url);
  const following = person.follow(`/api/v1/messages/${answer.id}/events`, (data) => data.includes('"finished"'));
  await pause(3_000);
  await old.stop();
  await pause(2_000);
  await load.end();
  const { events } = await following;

  expect(load.failures).toEqual([]);
  expect(load.made.conversations, "people were at work").toBeGreaterThan(10);
  const ids = events.map(({ id }) => id);
  expect(ids, "in order, and nothing twice").toEqual([...new Set(ids)].sort((one, other) => one - other));
  const told = events.map(({ data }) => JSON.parse(data) as { type: string; text?: string; message?: { content: string; state: string } });
  const whole = told.at(-1)?.message;
  expect(whole?.state).toBe("complete");
  expect(whole?.content.startsWith(WORDS.join(" ")), whole?.content).toBe(true);
  // The last words may come with the end alone.
  const streamed = told.map((event) => (event.type === "delta" ? event.text : "")).join("").trim();
  expect(streamed).not.toBe("");
  expect(whole?.content.startsWith(streamed), streamed).toBe(true);
  expect(answering.asked(), "the model was asked once").toBe(1);

  const listed = async (what: string) => {
    let [count, after] = [0, ""];
    do {
      const { items, next } = JSON.parse((await person.get(`/api/v1${project}/${what}?limit=100${after}`)).body) as { items: unknown[]; next?: string };
      count += items.length;
      after = next ? `&cursor=${encodeURIComponent(next)}` : "";
    } while (after);
    return count;
  };
  expect(await listed("conversations")).toBe(load.made.conversations);
  expect(await listed("documents")).toBe(load.made.documents);
  const embeddedNotes = () => embedding.embedded.map((text) => /number\d+x/.exec(text)?.[0] ?? "").filter(Boolean);
  await expect.poll(() => new Set(embeddedNotes()).size, { timeout: 120_000 }).toBe(load.made.documents);
  const notes = embeddedNotes().sort();
  expect(notes, "each note was embedded once").toEqual([...new Set(notes)]);
  embedding.stop();
  answering.stop();
});

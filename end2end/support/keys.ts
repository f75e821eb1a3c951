import { readFileSync } from "node:fs";

/** The key that every client of the embedded provider sends, from the file that the server keeps its keys in. */
export function publishableKey(): string {
  const file = process.env.ATELIER_KEYS;
  if (!file) throw new Error("ATELIER_KEYS must name the server's identity/keys.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { publishable_key: string }).publishable_key;
}

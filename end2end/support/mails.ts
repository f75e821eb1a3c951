import { expect } from "@playwright/test";
import { baseURL } from "../browser";

export type Mail = { at: string; to: string; subject: string; text: string };

/** The mails to an address that the server at `site` has kept, the newest first, once there are `count`. */
export async function mailsTo(to: string, count = 1, site = baseURL): Promise<Mail[]> {
  let mails: Mail[] = [];
  // They are sent behind the answer.
  await expect
    .poll(async () => {
      const answer = await fetch(new URL("/outbox", site), { headers: { accept: "application/json" } });
      mails = ((await answer.json()) as Mail[]).filter((mail) => mail.to === to);
      return mails.length;
    })
    .toBe(count);
  return mails;
}

/** The newest mail to an address with a subject, once it is there. */
export async function newestMail(to: string, subject: string, site = baseURL): Promise<Mail> {
  let found: Mail | undefined;
  await expect
    .poll(async () => {
      const answer = await fetch(new URL("/outbox", site), { headers: { accept: "application/json" } });
      found = ((await answer.json()) as Mail[]).find((mail) => mail.to === to && mail.subject === subject);
      return found;
    }, { message: `"${subject}" to ${to}` })
    .toBeDefined();
  return found!;
}

/** The link in a mail. */
export function linkIn(mail: Mail | undefined): URL {
  const line = mail?.text.split("\n").find((line) => /^https?:/.test(line));
  if (!line) throw new Error("no link in the mail");
  return new URL(line);
}

/** The six digits in a mail. */
export function codeIn(mail: Mail | undefined): string {
  const code = mail?.text.match(/code: (\d{6})/)?.[1];
  if (!code) throw new Error("no code in the mail");
  return code;
}

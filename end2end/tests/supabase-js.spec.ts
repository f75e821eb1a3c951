import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { randomUUID } from "node:crypto";
import { expect, test } from "@playwright/test";
import { baseURL } from "../browser";
import { publishableKey } from "../support/keys";
import { codeIn, linkIn, mailsTo } from "../support/mails";
import { totp } from "../support/totp";

// The published client of Supabase against the embedded identity provider, without a browser: it must notice no
// difference.

const PASSWORD = "correct horse battery";
/** A page of the client's own, which nobody serves: where a link of the protocol leads in the end. */
const PAGE = "http://127.0.0.1:9/welcome";

function client(options: { flowType?: "pkce" | "implicit" } = {}): SupabaseClient {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  };
  return createClient(baseURL, publishableKey(), {
    auth: { storage, autoRefreshToken: false, detectSessionInUrl: false, persistSession: true, ...options },
  });
}

const newEmail = () => `js-${randomUUID()}@example.com`;

async function signedUp(options: { flowType?: "pkce" | "implicit" } = {}) {
  const [supabase, email] = [client(options), newEmail()];
  const { data, error } = await supabase.auth.signUp({ email, password: PASSWORD });
  expect(error).toBeNull();
  return { supabase, email, session: data.session! };
}

test("signs up, in and out, and refreshes", async () => {
  const { supabase, email, session } = await signedUp();
  expect(session.user.email).toBe(email);
  expect((await client().auth.signUp({ email, password: PASSWORD })).error?.code).toBe("user_already_exists");

  const refreshed = await supabase.auth.refreshSession();
  expect(refreshed.error).toBeNull();
  expect(refreshed.data.session!.refresh_token).not.toBe(session.refresh_token);
  expect((await supabase.auth.getUser()).data.user!.id).toBe(session.user.id);
  const claims = await supabase.auth.getClaims();
  expect(claims.error).toBeNull();
  expect(claims.data!.claims.sub).toBe(session.user.id);

  const updated = await supabase.auth.updateUser({ data: { name: "Ada" } });
  expect(updated.data.user!.user_metadata.name).toBe("Ada");

  const other = client();
  expect((await other.auth.signInWithPassword({ email, password: "not the password" })).error?.code).toBe("invalid_credentials");
  expect((await other.auth.signInWithPassword({ email, password: PASSWORD })).error).toBeNull();
  expect((await supabase.auth.signOut({ scope: "others" })).error).toBeNull();
  // What the client makes of `session_not_found`.
  expect((await other.auth.getUser()).error?.name).toBe("AuthSessionMissingError");
  expect((await supabase.auth.signOut()).error).toBeNull();
  expect((await supabase.auth.getSession()).data.session).toBeNull();
});

test("recovers with the link of the mail", async () => {
  const { email } = await signedUp();
  const supabase = client();
  expect((await supabase.auth.resetPasswordForEmail(email)).error).toBeNull();
  expect((await supabase.auth.resetPasswordForEmail(newEmail())).error).toBeNull();
  const link = linkIn((await mailsTo(email))[0]);
  const token_hash = link.searchParams.get("token_hash")!;
  const verified = await supabase.auth.verifyOtp({ type: "recovery", token_hash });
  expect(verified.error).toBeNull();
  expect((await supabase.auth.updateUser({ password: PASSWORD })).error?.code).toBe("same_password");
  const weak = await supabase.auth.updateUser({ password: "short" });
  expect(weak.error?.name).toBe("AuthWeakPasswordError");
  expect((await supabase.auth.updateUser({ password: "a new password" })).error).toBeNull();
  expect((await client().auth.signInWithPassword({ email, password: PASSWORD })).error?.code).toBe("invalid_credentials");
  expect((await client().auth.signInWithPassword({ email, password: "a new password" })).error).toBeNull();
  expect((await client().auth.verifyOtp({ type: "recovery", token_hash })).error?.code).toBe("otp_expired");
});

test("signs in with the code of a mail", async () => {
  const [supabase, email] = [client(), newEmail()];
  expect((await supabase.auth.signInWithOtp({ email, options: { shouldCreateUser: false } })).error?.code).toBe("otp_disabled");
  const made = newEmail();
  expect((await supabase.auth.signInWithOtp({ email: made })).error).toBeNull();
  expect((await client().auth.signInWithOtp({ email: made })).error?.code).toBe("over_email_send_rate_limit");
  const token = codeIn((await mailsTo(made))[0]);
  const verified = await supabase.auth.verifyOtp({ type: "email", email: made, token });
  expect(verified.error).toBeNull();
  expect(verified.data.user!.email).toBe(made);
  expect((await supabase.auth.getUser()).error).toBeNull();
});

test("exchanges the code of a PKCE link", async () => {
  const { email } = await signedUp();
  const supabase = client({ flowType: "pkce" });
  const asked = await supabase.auth.signInWithOtp({ email, options: { emailRedirectTo: PAGE } });
  expect(asked.error).toBeNull();
  const link = linkIn((await mailsTo(email))[0]);
  expect(link.pathname).toBe("/auth/v1/verify");
  const answer = await fetch(link, { redirect: "manual" });
  expect(answer.status).toBe(303);
  const landing = new URL(answer.headers.get("location")!);
  expect(landing.href.startsWith(PAGE)).toBe(true);
  const code = landing.searchParams.get("code")!;
  // Another client has not the verifier.
  expect((await client({ flowType: "pkce" }).auth.exchangeCodeForSession(code)).error).not.toBeNull();
  const exchanged = await supabase.auth.exchangeCodeForSession(code);
  expect(exchanged.error).toBeNull();
  expect(exchanged.data.session!.user.email).toBe(email);
});

test("takes a session from the fragment of a link", async () => {
  const { email } = await signedUp();
  const supabase = client({ flowType: "implicit" });
  expect((await supabase.auth.resetPasswordForEmail(email, { redirectTo: PAGE })).error).toBeNull();
  const answer = await fetch(linkIn((await mailsTo(email))[0]), { redirect: "manual" });
  const fragment = new URLSearchParams(new URL(answer.headers.get("location")!).hash.slice(1));
  expect(fragment.get("type")).toBe("recovery");
  const set = await supabase.auth.setSession({
    access_token: fragment.get("access_token")!,
    refresh_token: fragment.get("refresh_token")!,
  });
  expect(set.error).toBeNull();
  expect(set.data.user!.email).toBe(email);
});

test("changes the address, with both mails", async () => {
  const { supabase, email } = await signedUp();
  const next = newEmail();
  const asked = await supabase.auth.updateUser({ email: next });
  expect(asked.error).toBeNull();
  expect(asked.data.user!.new_email).toBe(next);
  const hash = async (to: string) => linkIn((await mailsTo(to))[0]).searchParams.get("token_hash")!;
  const half = await supabase.auth.verifyOtp({ type: "email_change", token_hash: await hash(email) });
  expect(half.error).toBeNull();
  expect(half.data.session).toBeNull();
  const whole = await supabase.auth.verifyOtp({ type: "email_change", token_hash: await hash(next) });
  expect(whole.error).toBeNull();
  expect(whole.data.user!.email).toBe(next);
});

test("enrols a second factor and is asked for it", async () => {
  const { supabase, email } = await signedUp();
  const enrolled = await supabase.auth.mfa.enroll({ factorType: "totp", friendlyName: "Telephone" });
  expect(enrolled.error).toBeNull();
  const { id: factorId, totp: made } = enrolled.data as { id: string; totp: { secret: string; qr_code: string; uri: string } };
  expect(made.qr_code).toContain("<svg");
  expect(made.uri).toMatch(/^otpauth:\/\/totp\//);
  const verified = await supabase.auth.mfa.challengeAndVerify({ factorId, code: totp(made.secret, -1) });
  expect(verified.error).toBeNull();
  expect((await supabase.auth.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({ currentLevel: "aal2", nextLevel: "aal2" });
  expect((await supabase.auth.mfa.listFactors()).data!.totp.map((factor) => factor.id)).toEqual([factorId]);

  const again = client();
  await again.auth.signInWithPassword({ email, password: PASSWORD });
  expect((await again.auth.mfa.getAuthenticatorAssuranceLevel()).data).toMatchObject({ currentLevel: "aal1", nextLevel: "aal2" });
  const challenge = await again.auth.mfa.challenge({ factorId });
  const wrong = await again.auth.mfa.verify({ factorId, challengeId: challenge.data!.id, code: "12345x" });
  expect(wrong.error?.code).toBe("mfa_verification_failed");
  expect((await again.auth.mfa.unenroll({ factorId })).error?.code).toBe("insufficient_aal");
  const right = await again.auth.mfa.verify({ factorId, challengeId: challenge.data!.id, code: totp(made.secret) });
  expect(right.error).toBeNull();
  expect((await again.auth.mfa.unenroll({ factorId })).error).toBeNull();
});

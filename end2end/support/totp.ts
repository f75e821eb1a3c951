import { createHmac } from "node:crypto";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function fromBase32(text: string): Uint8Array {
  const letters = text.replaceAll(/[\s=]/g, "").toUpperCase();
  const bits = [...letters].map((letter) => BASE32.indexOf(letter).toString(2).padStart(5, "0")).join("");
  return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt(byte, 2));
}

const STEP_MS = 30_000;
const stepNow = () => Math.floor(Date.now() / STEP_MS);

/** The code that an authenticator app shows (RFC 6238, with the defaults that all apps have), `ahead` steps from now. */
export function totp(secret: string, ahead = 0): string {
  return codeOf(secret, stepNow() + ahead);
}

function codeOf(secret: string, step: number): string {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const mac = createHmac("sha1", fromBase32(secret)).update(counter).digest();
  // RFC 4226, 5.3: four bytes from the place that the last four bits name, without the sign.
  const number = mac.readUInt32BE((mac[mac.length - 1] ?? 0) & 15) & 0x7fffffff;
  return (number % 1_000_000).toString().padStart(6, "0");
}

/**
 * Codes that count, one after the other: a provider takes none twice, nor one from before it, and those of one step
 * around the present. So three can be had at once, and further ones after half a minute each.
 */
export class AuthenticatorApp {
  private used: number;

  constructor(private readonly secret: string) {
    // The step before counts only while the present one lasts.
    const left = STEP_MS - (Date.now() % STEP_MS);
    this.used = stepNow() - (left > 10_000 ? 2 : 1);
  }

  async code(): Promise<string> {
    const step = Math.max(this.used + 1, stepNow() - 1);
    while (step > stepNow() + 1) await new Promise((done) => setTimeout(done, 500));
    this.used = step;
    return codeOf(this.secret, step);
  }
}

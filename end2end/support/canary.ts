import { expect } from "@playwright/test";

import type { Server } from "./server.ts";

/** What must never be written down by a server: each secret with a name, so that a find says what leaked. */
export type Secrets = Map<string, string>;

/**
 * Looks for every secret in all that the server has written, as it is and in the encodings in which it would hide:
 * UTF-16, hex, base64 at each of its three offsets.
 */
export async function nothingLeaked(server: Server, secrets: Secrets): Promise<void> {
  expect(secrets.size, "the canary has something to look for").toBeGreaterThan(0);
  const finds: string[] = [];
  const written = await server.everythingWritten();
  expect([...written.keys()].some((path) => path.endsWith(".sqlite")), "the database was looked at").toBe(true);
  for (const [name, secret] of secrets) {
    expect(secret.length, `${name} is long enough to be looked for`).toBeGreaterThanOrEqual(8);
    for (const [encoding, needle] of disguises(secret)) {
      for (const [path, bytes] of written) {
        if (bytes.includes(needle)) finds.push(`${name} (${encoding}) in ${path}`);
      }
    }
  }
  expect(finds, "the server has written down nothing secret").toEqual([]);
}

function disguises(secret: string): [string, Buffer][] {
  const raw = Buffer.from(secret, "utf8");
  const found: [string, Buffer][] = [
    ["as it is", raw],
    ["UTF-16", Buffer.from(secret, "utf16le")],
    ["hex", Buffer.from(raw.toString("hex"))],
  ];
  for (const offset of [0, 1, 2]) {
    // Cut to whole groups of three bytes, so that what stands around it does not change the text.
    const shifted = raw.subarray((3 - offset) % 3);
    const whole = shifted.subarray(0, shifted.length - (shifted.length % 3));
    if (whole.length >= 6) {
      found.push([`base64 at ${offset}`, Buffer.from(whole.toString("base64"))]);
      found.push([`base64url at ${offset}`, Buffer.from(whole.toString("base64url"))]);
    }
  }
  if (/^[A-Za-z0-9_-]{40,}$/.test(secret)) found.push(["as bytes", Buffer.from(secret, "base64url")]);
  return found;
}

import { createDecipheriv, hkdfSync, pbkdf2Sync } from "node:crypto";
import { readFile } from "node:fs/promises";

import type { Download } from "@playwright/test";

const MAGIC = "SMEXPORT";
const HEAD_BYTES = MAGIC.length + 1 + 21;

/** What an export says, as far as stories look at it. */
export interface Export {
  format: string;
  username: string;
  contacts: { username: string; safety_number: string | null }[];
  conversations: { with: string[]; messages: { from: string; text: string | null; delivered: boolean }[] }[];
}

/** The bytes of a file that the browser saved. */
export async function saved(download: Download): Promise<Buffer> {
  return readFile(await download.path());
}

/** Opens an encrypted export by its description alone, with nothing of ours. */
export function opened(file: Buffer, passphrase: string): Export {
  if (file.subarray(0, 8).toString() !== MAGIC) throw new Error("This is no export");
  if (file[8] !== 1 || file[9] !== 1) throw new Error("This is an export of another version");
  const head = file.subarray(0, HEAD_BYTES);
  const iterations = file.readUInt32BE(10);
  const salt = file.subarray(14, HEAD_BYTES);
  const stretched = pbkdf2Sync(passphrase, salt, iterations, 32, "sha256");
  const key = Buffer.from(hkdfSync("sha256", stretched, "", "secure-messaging/1 export", 32));
  const nonce = file.subarray(HEAD_BYTES, HEAD_BYTES + 12);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 });
  decipher.setAAD(head);
  decipher.setAuthTag(file.subarray(-16));
  const content = Buffer.concat([decipher.update(file.subarray(HEAD_BYTES + 12, -16)), decipher.final()]);
  return JSON.parse(content.toString("utf8")) as Export;
}

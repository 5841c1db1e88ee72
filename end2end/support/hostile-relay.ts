import { type KeyObject, generateKeyPairSync, sign } from "node:crypto";
import type { BrowserContext } from "@playwright/test";

const SIGNATURE_BYTES = 64;
const PREKEY_LABEL = Buffer.from("secure-messaging/1 prekey\0");

interface KeyBundle {
  account: string;
  username: string;
  identity: string;
  prekey: string;
  log_length: number;
  log_head: string;
}

/** The hash of a device log without entries, as text. */
const EMPTY_LOG = "A".repeat(43);

/**
 * A relay that lies about keys: what a browser asks it for comes back with an identity key of the liar's own, and with
 * the prekey properly signed by it, and there are no one-time prekeys. Exactly what a man in the middle would do.
 */
export async function lieAboutKeysOf(username: string, context: BrowserContext): Promise<void> {
  const liar = generateKeyPairSync("ed25519");
  await context.route("**/fn/directory/keys", async (route) => {
    const answer = await route.fetch();
    const keys = (await answer.json()) as { bundles: KeyBundle[] };
    const bundles = keys.bundles.map((bundle) => (bundle.username === username ? forge(bundle, liar) : bundle));
    await route.fulfill({ response: answer, json: { bundles } });
  });
  await context.route("**/fn/prekeys/claim", (route) => route.fulfill({ json: { prekeys: [] } }));
}

/** The lie ends. */
export async function tellTheTruth(context: BrowserContext): Promise<void> {
  await context.unroute("**/fn/directory/keys");
  await context.unroute("**/fn/prekeys/claim");
}

function forge(bundle: KeyBundle, liar: { publicKey: KeyObject; privateKey: KeyObject }): KeyBundle {
  const { x } = liar.publicKey.export({ format: "jwk" });
  if (!x) throw new Error("an Ed25519 public key has an x");
  const prekey = Buffer.from(bundle.prekey, "base64url").subarray(0, -SIGNATURE_BYTES);
  const signed = Buffer.concat([PREKEY_LABEL, Buffer.from(bundle.account, "base64url"), prekey]);
  const signature = sign(null, signed, liar.privateKey);
  const forged = Buffer.concat([prekey, signature]).toString("base64url");
  return { ...bundle, identity: x, prekey: forged, log_length: 0, log_head: EMPTY_LOG };
}

/** A relay that gives no keys for the moment: what is written waits. */
export async function giveNoKeys(context: BrowserContext): Promise<void> {
  const busy = { code: "busy", message: "The server is busy: try again in a moment" };
  await context.route("**/fn/directory/keys", (route) => route.fulfill({ status: 503, json: busy }));
}

import { createHmac } from "node:crypto";

const STEP_S = 30;
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** What a phone computes from the secret that it was shown (RFC 6238: SHA-1, 6 digits, 30 seconds). */
export class Authenticator {
  private readonly key: Buffer;
  private used = 0;

  constructor(secret: string) {
    this.key = bytesOf(secret);
  }

  /**
   * A code that was not given before: a server takes none twice. The next step's code is taken already, so that a story
   * seldom has to wait.
   */
  async code(): Promise<string> {
    const step = Math.max(this.used + 1, currentStep());
    while (step > currentStep() + 1) await new Promise((wake) => setTimeout(wake, 200));
    this.used = step;
    return this.codeAt(step);
  }

  /** A code of a step that is long over. */
  oldCode(): string {
    return this.codeAt(currentStep() - 10);
  }

  private codeAt(step: number): string {
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const mac = createHmac("sha1", this.key).update(counter).digest();
    const offset = (mac.at(-1) ?? 0) & 15;
    const number = mac.readUInt32BE(offset) & 0x7fffffff;
    return String(number % 1_000_000).padStart(6, "0");
  }
}

function currentStep(): number {
  return Math.floor(Date.now() / 1000 / STEP_S);
}

/** RFC 4648, without padding. */
function bytesOf(secret: string): Buffer {
  const bytes: number[] = [];
  let bits = 0;
  let count = 0;
  for (const character of secret.replaceAll(/[\s=]/g, "").toUpperCase()) {
    const value = ALPHABET.indexOf(character);
    if (value < 0) throw new Error(`${character} is not base32`);
    bits = (bits << 5) | value;
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push((bits >> count) & 255);
      bits &= (1 << count) - 1;
    }
  }
  return Buffer.from(bytes);
}

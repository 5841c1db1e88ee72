import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { Program } from "./program.ts";

/** Somebody at a terminal of their own: the command-line client, with a profile in a folder of its own. */
export class Terminal {
  private constructor(
    private readonly url: string,
    private readonly folder: string,
  ) {}

  static async open(url: string): Promise<Terminal> {
    const folder = await mkdtemp(join(tmpdir(), "secure-messaging-terminal-"));
    await writeFile(join(folder, "password"), Program.password, { mode: 0o600 });
    return new Terminal(url, folder);
  }

  /** Runs a command to its end: what it wrote to standard output. */
  async run(...words: string[]): Promise<string> {
    const binary = process.env.SECURE_MESSAGING_BIN;
    if (!binary) throw new Error("Set SECURE_MESSAGING_BIN to the built server, or run `cargo xtask test`");
    const options = ["--no-input", "--password-file", join(this.folder, "password")];
    const { stdout } = await promisify(execFile)(binary, [...words, ...options], {
      env: {
        PATH: process.env.PATH,
        HOME: this.folder,
        XDG_DATA_HOME: this.folder,
        SECURE_MESSAGING_SERVER: this.url,
        SECURE_MESSAGING_KEYRING: "off",
      },
    });
    return stdout;
  }

  /** `author: text` of what others wrote, the newest last. */
  async inbox(): Promise<string[]> {
    const lines = (await this.run("inbox", "--all", "--json")).trim().split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line)).map(({ from, message }) => `${from}: ${message}`);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

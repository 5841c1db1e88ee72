import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const binary = process.env.SECURE_MESSAGING_BIN;
const START_PATIENCE_MS = 20_000;

/** The real server, on a port and a data folder of its own. It can be stopped, killed and started again. */
export class Server {
  readonly url: string;
  log = "";
  private child?: ChildProcess;

  private constructor(
    readonly port: number,
    readonly dataDir: string,
    private readonly flags: readonly string[],
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  /** With these flags besides, for as long as it exists. */
  static async start(flags: readonly string[] = []): Promise<Server> {
    const server = new Server(await freePort(), await mkdtemp(join(tmpdir(), "secure-messaging-")), flags);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    if (!binary) throw new Error("Set SECURE_MESSAGING_BIN to the built server, or run `cargo xtask test`");
    const child = spawn(binary, ["serve", "--listen", `127.0.0.1:${this.port}`, ...this.settings(), ...this.flags], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    child.stdout.on("data", (chunk) => (this.log += chunk));
    child.stderr.on("data", (chunk) => (this.log += chunk));
    this.child = child;
    const deadline = Date.now() + START_PATIENCE_MS;
    while (Date.now() < deadline) {
      if (child.exitCode !== null) break;
      const ready = await fetch(`${this.url}/readyz`).then((answer) => answer.ok, () => false);
      if (ready) return;
      await new Promise((wake) => setTimeout(wake, 50));
    }
    throw new Error(`The server did not start:\n${this.log}`);
  }

  /** What the operator asks of the running server: `secure-messaging admin …`, with the settings that it serves with. */
  async admin(...words: string[]): Promise<string> {
    if (!binary) throw new Error("Set SECURE_MESSAGING_BIN to the built server, or run `cargo xtask test`");
    const { stdout } = await promisify(execFile)(binary, ["admin", ...words, ...this.settings()]);
    return stdout.trim();
  }

  /** Asks it to stop, as an operator does. */
  async stop(): Promise<void> {
    await this.end("SIGTERM");
  }

  /** Ends it without a word, as a power cut does. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Every byte that the server has written down: its folder (database, WAL and all) and its log. */
  async everythingWritten(): Promise<Map<string, Buffer>> {
    const files = new Map<string, Buffer>([["log", Buffer.from(this.log)]]);
    for (const entry of await readdir(this.dataDir, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path, await readFile(path));
    }
    return files;
  }

  async dispose(): Promise<void> {
    await this.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }

  private settings(): string[] {
    return ["--data-dir", this.dataDir, "--base-url", this.url];
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once("exit", done));
    child.kill(signal);
    await ended;
  }
}

/** A port that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((found, failed) => {
    const probe = createServer();
    probe.once("error", failed);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === "object" ? found(address.port) : failed(new Error("no port"))));
    });
  });
}

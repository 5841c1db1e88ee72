import { type AddressInfo, type Socket } from "node:net";

import { type ParsedMail, simpleParser } from "mailparser";
import { SMTPServer } from "smtp-server";

const PATIENCE_MS = 20_000;

/** A mail server that takes everything, and shows what came over the wire. */
export class PostOffice {
  /** Every mail that came, as it was read, with its bytes. */
  readonly mails: { parsed: ParsedMail; raw: string; to: string[] }[] = [];
  private connections = new Set<Socket>();

  private constructor(
    private readonly server: SMTPServer,
    readonly port: number,
  ) {}

  /** Offers TLS by a certificate that nobody trusts, if asked to. */
  static async open(port = 0, offers: "no TLS" | "a bad certificate" = "no TLS"): Promise<PostOffice> {
    let office: PostOffice | undefined;
    const server = new SMTPServer({
      authOptional: true,
      disabledCommands: offers === "no TLS" ? ["STARTTLS"] : [],
      onData(stream, session, done) {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () => {
          const raw = Buffer.concat(chunks).toString("utf8");
          const to = session.envelope.rcptTo.map((recipient) => recipient.address);
          void simpleParser(raw).then((parsed) => {
            office?.mails.push({ parsed, raw, to });
            done();
          });
        });
      },
    });
    await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening));
    // A client that turns away in the middle of a handshake is what some stories are about.
    server.on("error", () => undefined);
    const address = server.server.address() as AddressInfo;
    office = new PostOffice(server, address.port);
    server.server.on("connection", (socket: Socket) => {
      office?.connections.add(socket);
      socket.on("close", () => office?.connections.delete(socket));
    });
    return office;
  }

  /** What tells a server to send its mail to this port. */
  static flags(port: number, security: "plain" | "starttls" = "plain"): string[] {
    const from = "Secure Messaging <messenger@example.org>";
    return ["--smtp-host", "127.0.0.1", "--smtp-port", String(port), "--smtp-security", security, "--smtp-from", from];
  }

  /** The next mail to this address whose subject is so; it is taken away. */
  async take(to: string, subject: RegExp): Promise<ParsedMail> {
    const deadline = Date.now() + PATIENCE_MS;
    while (Date.now() < deadline) {
      const found = this.mails.findIndex((mail) => mail.to.includes(to) && subject.test(mail.parsed.subject ?? ""));
      const mail = this.mails[found]?.parsed;
      if (mail) {
        this.mails.splice(found, 1);
        return mail;
      }
      await new Promise((wake) => setTimeout(wake, 50));
    }
    const had = this.mails.map((mail) => `${mail.to.join()}: ${mail.parsed.subject}`).join("; ");
    throw new Error(`No mail to ${to} with a subject like ${subject} came. There is: ${had || "nothing"}`);
  }

  async close(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    await new Promise<void>((closed) => this.server.close(closed));
  }
}

/** A program that uses the REST API, signed in. */
export class Program {
  private constructor(
    private readonly url: string,
    readonly token: string,
  ) {}

  static readonly password = "correct-horse-7!";

  static async registers(url: string, username: string): Promise<Program> {
    await post(url, "/api/register", { username, password: Program.password });
    return Program.signsIn(url, username);
  }

  static async signsIn(url: string, username: string, password = Program.password): Promise<Program> {
    const { token } = await post(url, "/api/login", { username, password });
    return new Program(url, token);
  }

  async says(recipient: string, message: string): Promise<void> {
    await post(this.url, "/api/messages", { recipient, message }, this.token);
  }

  /** `author: text` of what others wrote, the newest first. */
  async inbox(): Promise<string[]> {
    const messages: { from: string; message: string }[] = await this.get("/api/messages");
    return messages.map(({ from, message }) => `${from}: ${message}`);
  }

  async get(path: string): Promise<any> {
    return answered(await fetch(this.url + path, { headers: { authorization: `Bearer ${this.token}` } }));
  }
}

async function post(url: string, path: string, body: object, token?: string): Promise<any> {
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  return answered(await fetch(url + path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function answered(response: Response) {
  const text = await response.text();
  if (!response.ok) throw new Error(`${response.status}: ${text}`);
  return JSON.parse(text);
}

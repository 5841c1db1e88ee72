import { type Locator, type Page, expect } from "@playwright/test";

import type { Secrets } from "./canary.ts";
import { hydrated } from "./story.ts";

/** Somebody at a page: every step of a story goes through here, so that a changed page changes one file. */
export class Person {
  readonly password: string;
  /** What this person knows and the server must not; grows while the story goes on. */
  readonly secrets: Secrets = new Map();
  recoveryKey = "";
  /** Whether this page has published keys. */
  private keysPublished = false;
  /** Where this person's mails go, if anywhere: said at the registration. */
  email = "";

  constructor(
    readonly username: string,
    public page: Page,
    password?: string,
  ) {
    // Everyone has a password of their own; a name inside would be refused, so only its letters' codes go in.
    this.password = password ?? `Lantern-${Buffer.from(username).toString("hex")}-47!`;
    this.secrets.set(`${username}'s password`, this.password);
    this.listen();
  }

  /** The same person at another page: another browser profile, or another tab. */
  at(page: Page): Person {
    const elsewhere = new Person(this.username, page, this.password);
    for (const [name, secret] of this.secrets) elsewhere.secrets.set(name, secret);
    elsewhere.recoveryKey = this.recoveryKey;
    elsewhere.email = this.email;
    return elsewhere;
  }

  /** The same person at the same page, after the password was changed. */
  withPassword(password: string): Person {
    const renewed = new Person(this.username, this.page, password);
    for (const [name, secret] of this.secrets) renewed.secrets.set(name, secret);
    renewed.recoveryKey = this.recoveryKey;
    renewed.email = this.email;
    return renewed;
  }

  async register(): Promise<void> {
    await this.fillInRegistration();
    await this.submitRegistration();
    await this.keepRecoveryKey();
    await this.seesInbox();
  }

  /** From this address: an invitation stands in it. */
  async fillInRegistration(address = "/register"): Promise<void> {
    await this.page.goto(address);
    await hydrated(this.page);
    await this.page.getByLabel("Username", { exact: true }).fill(this.username);
    await this.page.getByLabel("Password", { exact: true }).fill(this.password);
    await this.page.getByLabel("Password again", { exact: true }).fill(this.password);
    if (this.email) await this.page.getByLabel("E-mail").fill(this.email);
  }

  async submitRegistration(): Promise<void> {
    await this.page.getByRole("button", { name: "Create account" }).click();
  }

  async keepRecoveryKey(): Promise<void> {
    await expect(this.page.getByRole("heading", { name: /^Keep your (new )?recovery key$/ })).toBeVisible();
    const groups = await this.page.getByRole("list", { name: "Recovery key" }).getByRole("listitem").allInnerTexts();
    expect(groups).toHaveLength(11);
    this.recoveryKey = groups.join("-");
    this.secrets.set(`${this.username}'s recovery key`, this.recoveryKey);
    this.secrets.set(`${this.username}'s recovery key, joined`, groups.join(""));
    for (const field of await this.page.getByLabel(/^Group \d+$/).all()) {
      const id = (await field.getAttribute("id")) ?? "";
      const group = Number(id.replace("recovery-group-", ""));
      // As people type it from paper.
      await field.fill(groups[group - 1]?.toLowerCase() ?? "");
    }
    await this.page.getByRole("button", { name: /^Continue/ }).click();
  }

  async logIn(): Promise<void> {
    await this.page.goto("/login");
    await hydrated(this.page);
    await this.fillInLogin();
    await this.seesInbox();
  }

  async fillInLogin(): Promise<void> {
    await this.page.getByLabel("Username", { exact: true }).fill(this.username);
    await this.page.getByLabel("Password", { exact: true }).fill(this.password);
    await this.page.getByRole("button", { name: "Sign in" }).click();
  }

  /** The form of somebody whom this browser knows nothing of. */
  async seesSignIn(): Promise<void> {
    await expect(this.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  }

  async logOut(): Promise<void> {
    await this.openAccountMenu();
    await this.page.getByRole("button", { name: "Log out" }).click();
    await this.seesSignIn();
  }

  async openAccountMenu(): Promise<void> {
    await this.page.getByRole("button", { name: `Account: ${this.username}` }).click();
  }

  async locks(): Promise<void> {
    await this.openAccountMenu();
    await this.page.getByRole("button", { name: "Lock" }).click();
    await this.seesLocked();
  }

  async seesLocked(): Promise<void> {
    await expect(this.page.getByRole("heading", { name: "Unlock" })).toBeVisible();
    await expect(this.page.getByText(`Signed in as ${this.username}`)).toBeVisible();
  }

  async unlocks(password = this.password): Promise<void> {
    await this.page.getByLabel("Password", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: "Unlock" }).click();
  }

  /** Fills in the page of a reset; what becomes of the keys was chosen before. */
  async setsNewPassword(password: string): Promise<void> {
    this.secrets.set(`${this.username}'s new password`, password);
    await this.page.getByLabel("New password", { exact: true }).fill(password);
    await this.page.getByLabel("New password again", { exact: true }).fill(password);
    await this.page.getByRole("button", { name: /^(Set|Begin anew with) the new password$/ }).click();
  }

  /** In the settings: opens what a reset has put away, with the password of that time. */
  async opensSealedMessages(oldPassword: string): Promise<void> {
    await this.page.getByRole("button", { name: "Open them" }).click();
    await this.page.getByLabel("The password that I had before the reset").check();
    await this.page.getByLabel("Old password", { exact: true }).fill(oldPassword);
    await this.page.getByRole("form", { name: "Open sealed messages" }).getByRole("button", { name: "Open" }).click();
    await expect(this.page.getByText(/^Opened/)).toBeVisible({ timeout: 20_000 });
  }

  async seesInbox(): Promise<void> {
    await expect(this.page.getByRole("link", { name: "New message" }).first()).toBeVisible({ timeout: 30_000 });
    await expect(this.page).toHaveURL(/\/inbox/);
  }

  async openInbox(): Promise<void> {
    await this.page.goto("/inbox");
    await hydrated(this.page);
    await this.seesInbox();
  }

  /** Writes the first message to one or several people. */
  async writeTo(others: string[], text: string): Promise<void> {
    this.knows(text);
    await this.page.getByRole("link", { name: "New message" }).first().click();
    for (const other of others) {
      await this.page.getByLabel("Find people").fill(other);
      await this.page.getByRole("checkbox", { name: other }).check();
    }
    await this.page.getByLabel("First message").fill(text);
    await this.page.getByRole("button", { name: "Send" }).click();
    await expect(this.page).toHaveURL(/\/inbox\/.+/);
  }

  /** Opens the conversation with exactly these people, named as the list names them: “alice”, “alice and bob”. */
  async openConversationWith(names: string): Promise<void> {
    const list = this.page.getByRole("navigation", { name: "Conversations" });
    await list.getByRole("link").filter({ has: this.page.getByText(names, { exact: true }) }).click();
    await expect(this.page.getByRole("log", { name: "Messages" })).toBeVisible();
  }

  async writes(text: string): Promise<void> {
    this.knows(text);
    await this.composer().fill(text);
    await this.composer().press("Enter");
    await expect(this.composer()).toHaveValue("");
  }

  composer(): Locator {
    return this.page.getByLabel(/^Message to /);
  }

  thread(): Locator {
    return this.page.getByRole("log", { name: "Messages" });
  }

  message(text: string): Locator {
    return this.thread().getByRole("article").filter({ hasText: text });
  }

  async sees(text: string): Promise<void> {
    await expect(this.message(text)).toBeVisible();
  }

  async seesAsSent(text: string): Promise<void> {
    await expect(this.message(text)).toContainText("Sent");
  }

  /** The texts of the open thread, in their order. */
  async texts(): Promise<string[]> {
    return this.thread().locator(".message-text").allInnerTexts();
  }

  /** Waits until others can send this browser what disappears: its keys for that are on the server. */
  async canReceive(): Promise<void> {
    await expect.poll(() => this.keysPublished, { message: "this browser has published its keys", timeout: 20_000 }).toBe(true);
  }

  /** In the open conversation: how long messages stay from now on, as one of the choices says it. */
  async setsTimer(choice: string): Promise<void> {
    await this.page.locator("#timer-button").click();
    await this.page.getByRole("radio", { name: choice, exact: true }).check();
    await this.closesPanel();
  }

  /** The same with a value of one's own. */
  async setsOwnTimer(amount: string, unit: string): Promise<void> {
    await this.page.locator("#timer-button").click();
    await this.page.getByLabel("Another time").fill(amount);
    await this.page.getByLabel("Unit").selectOption({ label: unit });
    await this.page.getByRole("button", { name: "Set", exact: true }).click();
  }

  async closesPanel(): Promise<void> {
    await this.page.getByRole("button", { name: "Close" }).click();
  }

  async deletes(text: string, choice: "Delete for me" | "Delete for everyone"): Promise<void> {
    await this.message(text).getByRole("button", { name: "Delete this message" }).click();
    await this.message(text).getByRole("button", { name: choice }).click();
  }

  private knows(text: string): void {
    this.secrets.set(`the message “${text}”`, text);
  }

  /** What the page proves to the server, and the cookie it gets: neither may be written down. */
  private listen(): void {
    this.page.on("request", (request) => {
      const body = request.method() === "POST" ? request.postData() : null;
      const proof = body?.match(/"auth_key":"([^"]+)"/)?.[1];
      if (proof) this.secrets.set(`${this.username}'s auth key`, proof);
    });
    this.page.on("response", (response) => {
      if (response.url().endsWith("/fn/prekeys/publish") && response.ok()) this.keysPublished = true;
      void response.headerValue("set-cookie").then(
        (cookie) => {
          const token = cookie?.match(/session=([^;]{20,})/)?.[1];
          if (token) this.secrets.set(`${this.username}'s session token ${token.slice(-6)}`, token);
        },
        // The page was closed before its answer came.
        () => undefined,
      );
    });
  }
}

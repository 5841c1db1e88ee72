import { type Locator, type Page, expect } from "@playwright/test";

import { Authenticator } from "./authenticator.ts";
import type { Person } from "./person.ts";
import { hydrated } from "./story.ts";

const PATHS = { Account: "/settings", Security: "/settings/security", Sessions: "/settings/sessions", "Your data": "/settings/data" };

/** The settings of somebody, as they use them. */
export class Settings {
  constructor(readonly person: Person) {}

  get page(): Page {
    return this.person.page;
  }

  /** Opens a page of the settings by its address. */
  async open(name: keyof typeof PATHS): Promise<void> {
    await this.page.goto(PATHS[name]);
    await hydrated(this.page);
    await expect(this.page.getByRole("heading", { name, level: 2 })).toBeVisible();
    await expect(this.page.locator(".settings-part").first()).toBeVisible();
  }

  /** The part of this name. */
  part(title: string): Locator {
    return this.page.getByRole("region", { name: title });
  }

  /** The field of this name: buttons beside and the part around it may be called so, too. */
  field(name: string): Locator {
    return this.page.locator("input, textarea, select").and(this.page.getByLabel(name, { exact: true }));
  }

  /** What went wrong, in words. */
  complaint(text: string | RegExp): Locator {
    return this.page.getByRole("alert").filter({ hasText: text });
  }

  /** What was done, in words. */
  done(text: string | RegExp): Locator {
    return this.page.getByRole("status").filter({ hasText: text });
  }

  /** Types the password (and a code), and presses the button. */
  async confirm(action: string, { label = "Password", password = this.person.password, code = "" } = {}): Promise<void> {
    await this.field(label).fill(password);
    if (code) await this.field("Code").fill(code);
    await this.page.getByRole("button", { name: action, exact: true }).click();
  }

  /** Sets the second factor up, and keeps the codes. */
  async setUpAuthenticator(): Promise<{ authenticator: Authenticator; codes: string[] }> {
    const authenticator = await this.scanSecret();
    await this.field("First code").fill(await authenticator.code());
    await this.page.getByRole("button", { name: "Turn on" }).click();
    const codes = await this.recoveryCodes();
    await this.page.getByRole("button", { name: "I have kept them" }).click();
    await expect(this.done("Two-factor authentication is on")).toBeVisible();
    return { authenticator, codes };
  }

  /** Up to the secret, which the authenticator then holds. */
  async scanSecret(): Promise<Authenticator> {
    await this.page.getByRole("button", { name: "Set up two-factor authentication" }).click();
    await this.confirm("Continue");
    await expect(this.page.getByRole("img", { name: "QR code for your authenticator" })).toBeVisible();
    const secret = (await this.page.getByRole("group", { name: "Secret" }).innerText()).replaceAll(/\s/g, "");
    this.person.secrets.set(`${this.person.username}'s authenticator secret`, secret);
    return new Authenticator(secret);
  }

  /** The ten that are shown. */
  async recoveryCodes(): Promise<string[]> {
    const list = this.page.getByRole("list", { name: "Recovery codes" });
    await expect(list).toBeVisible();
    const codes = await list.getByRole("listitem").allInnerTexts();
    expect(new Set(codes).size).toBe(10);
    codes.forEach((code, index) => this.person.secrets.set(`${this.person.username}'s recovery code ${index + 1}`, code));
    return codes;
  }
}

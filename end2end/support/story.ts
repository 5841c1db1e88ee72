import { type BrowserContext, type ConsoleMessage, type Page, test as base, expect } from "@playwright/test";

import { PostOffice } from "./mail.ts";
import { Person } from "./person.ts";
import { Server, freePort } from "./server.ts";

export { expect };

/**
 * What a browser notes in any story: two devices of an account write one row of their vault at the same moment; one is
 * refused, fetches the other's and writes anew.
 */
const ORDINARY = [/status of 409/];

interface Story {
  server: Server;
  /** What the server is told besides where it is and where its data are. */
  serverFlags: { flags: string[] };
  /** Whether the server looks for a mail server, and where; there is one only in a story that asks for `post`. */
  mail: "none" | "expected" | "secured";
  mailPort: number;
  /** The mail server, open. */
  post: PostOffice;
  /** A fresh browser profile, watched: any console error, warning, page error or CSP violation fails the story. */
  newBrowser: (options?: Parameters<import("@playwright/test").Browser["newContext"]>[0]) => Promise<BrowserContext>;
  /** Someone who has registered, in a browser of their own, and stands in the inbox. */
  newPerson: (username: string) => Promise<Person>;
  /** What the browsers may say in their consoles, because a story is about just that. */
  noise: { expected: RegExp[] };
}

export const test = base.extend<Story>({
  serverFlags: [{ flags: [] }, { option: true }],

  mail: ["none", { option: true }],

  mailPort: async ({}, use) => {
    await use(await freePort());
  },

  post: async ({ mailPort }, use) => {
    const post = await PostOffice.open(mailPort);
    await use(post);
    await post.close();
  },

  server: async ({ serverFlags, mail, mailPort }, use) => {
    const smtp = mail === "none" ? [] : PostOffice.flags(mailPort, mail === "secured" ? "starttls" : "plain");
    const server = await Server.start([...serverFlags.flags, ...smtp]);
    await use(server);
    await server.dispose();
  },

  noise: [{ expected: [] }, { option: true }],

  newBrowser: async ({ browser, server, noise }, use) => {
    const contexts: BrowserContext[] = [];
    const complaints: string[] = [];
    await use(async (options) => {
      const context = await browser.newContext({ baseURL: server.url, ...options });
      context.setDefaultTimeout(20_000);
      await watch(context, server, complaints);
      contexts.push(context);
      return context;
    });
    for (const context of contexts) await context.close();
    const expected = [...noise.expected, ...ORDINARY];
    const unexpected = complaints.filter((text) => !expected.some((pattern) => pattern.test(text)));
    expect(unexpected, "no browser complains of anything").toEqual([]);
  },

  newPerson: async ({ newBrowser }, use) => {
    await use(async (username) => {
      const person = new Person(username, await (await newBrowser()).newPage());
      await person.register();
      return person;
    });
  },
});

async function watch(context: BrowserContext, server: Server, complaints: string[]): Promise<void> {
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP: ${event.violatedDirective} refuses ${event.blockedURI}`);
    });
  });
  context.on("console", (message: ConsoleMessage) => {
    if (message.type() === "error" || message.type() === "warning") {
      complaints.push(`${message.type()}: ${message.text()}`);
    }
  });
  context.on("weberror", (error) => complaints.push(`page error: ${error.error().message}`));
  context.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(server.url) && !url.startsWith("blob:") && !url.startsWith("data:")) {
      complaints.push(`request to another origin: ${url}`);
    }
  });
}

/** Waits until the page is live: a click before that is lost. */
export async function hydrated(page: Page): Promise<void> {
  await page.locator("body[data-hydrated]").waitFor({ state: "attached" });
}

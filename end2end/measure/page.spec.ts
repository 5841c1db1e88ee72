import type { BrowserContext, Page } from "@playwright/test";

import { hydrated, test } from "../support/story.ts";
import type { Person } from "../support/person.ts";
import { report, timed } from "./figures.ts";

const MANY_MESSAGES = 300;

test("the first load: what travels, and how long until the page is live", async ({ newBrowser }) => {
  const took: number[] = [];
  let sizes = new Map<string, number>();
  for (let time = 0; time < 5; time += 1) {
    const context = await newBrowser();
    const page = await context.newPage();
    sizes = await countTransfers(context, page);
    took.push(
      await timed(async () => {
        await page.goto("/login");
        await hydrated(page);
      }),
    );
    await page.waitForLoadState("networkidle");
    await context.close();
  }
  report("first visit of /login until it is live", took);
  let total = 0;
  for (const [kind, bytes] of sizes) {
    report(`  ${kind}, as it travels`, [bytes / 1000], "kB");
    total += bytes;
  }
  report("  in all", [total / 1000], "kB");
});

test("PBKDF2 with 600 000 rounds by the browser's WebCrypto", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  await page.goto("/login");
  const took = await page.evaluate(async () => {
    const password = new TextEncoder().encode("geh im Wald 7 Mal!");
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const took: number[] = [];
    for (let time = 0; time < 11; time += 1) {
      const begun = performance.now();
      const salt = crypto.getRandomValues(new Uint8Array(16));
      await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", iterations: 600_000, salt }, key, 256);
      took.push(performance.now() - begun);
    }
    return took;
  });
  report("PBKDF2 600 000 by WebCrypto", took);
});

test("from the click on Sign in to the inbox, in a fresh browser", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const took: number[] = [];
  for (let time = 0; time < 5; time += 1) {
    const context = await newBrowser();
    took.push(await signInAnew(alice.at(await context.newPage())));
    await context.close();
  }
  report("from the click on Sign in to the inbox", took);
});

test("from Enter to the other browser", async ({ newPerson }) => {
  const [alice, bob] = await talking(await newPerson("alice"), await newPerson("bob"));
  const took: number[] = [];
  for (let number = 1; number <= 20; number += 1) {
    const text = `This is message number ${number}, as long as most are.`;
    const seen = bob.thread().evaluate(whenShown, text);
    await alice.composer().fill(text);
    await alice.composer().evaluate(noteTheNextKey);
    await alice.composer().press("Enter");
    const sent = Number(await alice.composer().getAttribute("data-key-at"));
    took.push((await seen) - sent);
    await alice.seesAsSent(text);
  }
  report("from Enter to the text in the other browser's page", took);
});

test("a long history on a new device", async ({ newPerson, newBrowser }) => {
  const [alice, bob] = await talking(await newPerson("alice"), await newPerson("bob"));
  const last = `The last of ${MANY_MESSAGES}`;
  const sending = await timed(async () => {
    for (let number = 2; number < MANY_MESSAGES; number += 1) {
      await alice.composer().fill(`This is message number ${number}, as long as most are.`);
      await alice.composer().press("Enter");
    }
    await alice.writes(last);
    await alice.seesAsSent(last);
  });
  report(`typed by a machine, sealed and sent: each of ${MANY_MESSAGES}`, [sending / MANY_MESSAGES]);
  const elsewhere = bob.at(await (await newBrowser()).newPage());
  const conversation = elsewhere.page.getByRole("navigation", { name: "Conversations" }).getByRole("link", { name: "alice" });
  report("in a fresh browser, from the click on Sign in to the inbox", [await signInAnew(elsewhere)]);
  const listed = await timed(() => conversation.filter({ hasText: last }).waitFor());
  report(`  then until all ${MANY_MESSAGES} messages are fetched, opened and listed`, [listed]);
  const shown = await timed(async () => {
    await conversation.click();
    await elsewhere.sees(last);
  });
  report(`  then until the thread of ${MANY_MESSAGES} is shown`, [shown]);
});

/** Alice and Bob with one thread open at both. */
async function talking(alice: Person, bob: Person): Promise<[Person, Person]> {
  await alice.writeTo([bob.username], "The first of all");
  await alice.seesAsSent("The first of all");
  await bob.openConversationWith(alice.username);
  await bob.sees("The first of all");
  return [alice, bob];
}

/** Signs in where nobody was before; returns the milliseconds from the click to the inbox. */
async function signInAnew({ page, username, password }: Person): Promise<number> {
  await page.goto("/login");
  await hydrated(page);
  await page.getByLabel("Username", { exact: true }).fill(username);
  await page.getByLabel("Password", { exact: true }).fill(password);
  return timed(async () => {
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("link", { name: "New message" }).first().waitFor();
  });
}

/** Bytes that travel, headers too, by the kind of file. The map fills while the page loads. */
async function countTransfers(context: BrowserContext, page: Page): Promise<Map<string, number>> {
  const session = await context.newCDPSession(page);
  const kinds = new Map<string, string>();
  const sizes = new Map<string, number>();
  session.on("Network.responseReceived", ({ requestId, response }) => {
    const ending = new URL(response.url).pathname.match(/\.(\w+)$/)?.[1] ?? "page";
    kinds.set(requestId, ending);
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const kind = kinds.get(requestId) ?? "other";
    sizes.set(kind, (sizes.get(kind) ?? 0) + encodedDataLength);
  });
  await session.send("Network.enable");
  return sizes;
}

/** In the reader's page: the time at which the text stands there. Both pages tell the time of the same machine. */
function whenShown(thread: Element, text: string): Promise<number> {
  return new Promise((shown) => {
    const observer = new MutationObserver(look);
    observer.observe(thread, { childList: true, subtree: true, characterData: true });
    look();
    function look(): void {
      if (!thread.textContent?.includes(text)) return;
      observer.disconnect();
      shown(performance.timeOrigin + performance.now());
    }
  });
}

/** In the writer's page: keeps the time of the next key with the field. */
function noteTheNextKey(composer: HTMLElement | SVGElement): void {
  const note = () => (composer.dataset.keyAt = String(performance.timeOrigin + performance.now()));
  composer.addEventListener("keydown", note, { once: true, capture: true });
}

import type { Page } from "@playwright/test";

import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // A wrong password, and a session that has ended, are answers with a status.
  noise: { expected: [/status of 401/] },
});

test("a locked page opens with the password alone, where it was; the keys have left the browser", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Before the coffee break");
  await alice.seesAsSent("coffee break");
  const address = alice.page.url();
  expect(await keptKey(alice.page)).toContain("sealed");

  await alice.locks();
  await expect.poll(() => keptKey(alice.page)).toEqual(["account", "username"]);

  await test.step("a reload does not open it", async () => {
    await alice.page.goto(address);
    await hydrated(alice.page);
    await alice.seesLocked();
  });

  await test.step("a wrong password does not either, and it says whose is asked for", async () => {
    await alice.unlocks("not-her-password-1!");
    await expect(alice.page.getByRole("alert").filter({ hasText: "This is not the password of alice" })).toBeVisible();
  });

  await test.step("the right one does, within the same session", async () => {
    const sent: string[] = [];
    alice.page.on("request", (request) => sent.push(new URL(request.url()).pathname));
    await alice.unlocks();
    await alice.sees("coffee break");
    expect(alice.page.url()).toBe(address);
    expect(sent).toContain("/fn/session/unlock");
    expect(sent).not.toContain("/fn/session/login");
  });

  await bob.openConversationWith("alice");
  await bob.writes("Still there?");
  await alice.sees("Still there?");
});

test("all tabs lock together and open together; somebody else can take the browser over", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const second = alice.at(await alice.page.context().newPage());
  await second.openInbox();
  await alice.locks();
  await second.seesLocked();
  await second.unlocks();
  await second.seesInbox();
  await alice.seesInbox();

  await alice.locks();
  await second.seesLocked();
  await alice.page.getByRole("button", { name: "Log out" }).click();
  await alice.seesSignIn();
  await second.seesSignIn();
  const kept = await alice.page.evaluate(async () => {
    const open = indexedDB.open("secure-messaging");
    const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
    const names = database.transaction("records").objectStore("records").getAllKeys();
    return new Promise<IDBValidKey[]>((done) => (names.onsuccess = () => done(names.result)));
  });
  expect(kept.filter((name) => !String(name).startsWith("device/")), "nothing of alice's is left").toEqual([]);

  const bob = await newPerson("bob");
  await bob.at(alice.page).logIn();
  // The account was not touched by all this.
  await alice.at(await (await newBrowser()).newPage()).logIn();
});

test("a page that nobody uses locks by itself, also after the machine slept; using one tab keeps all open", async ({ newBrowser, newPerson }) => {
  const alice = await newPerson("alice");
  const context = await newBrowser();
  const page = await context.newPage();
  await page.clock.install();
  const desk = alice.at(page);
  await desk.logIn();
  await chooseAutoLock(page, 5);
  await page.reload();
  await hydrated(page);
  await desk.seesInbox();

  await test.step("four minutes are not five, and a key that is pressed begins anew", async () => {
    await page.clock.fastForward("04:00");
    await page.keyboard.press("Shift");
    await page.clock.fastForward("04:00");
    await desk.seesInbox();
  });

  await test.step("another tab that is used keeps this one open", async () => {
    const told = await hearsOfUse(page);
    const tab = await context.newPage();
    await desk.at(tab).openInbox();
    await told();
    await page.clock.fastForward("02:00");
    await desk.seesInbox();
    await tab.close();
  });

  await test.step("then nobody does anything for longer", async () => {
    await page.clock.fastForward("06:00");
    await desk.seesLocked();
    await expect(page.getByText("Locked after 5 minutes without use.")).toBeVisible();
    await desk.unlocks();
    await desk.seesInbox();
  });

  await test.step("whoever opens the lid of a machine that slept does not find it open", async () => {
    // Timers did not count, the clock went on; the first thing that happens is a touch.
    await page.clock.pauseAt(new Date((await page.evaluate(() => Date.now())) + 60 * 60_000));
    await page.mouse.move(200, 200);
    await page.clock.resume();
    await desk.seesLocked();
  });
});

test("a session that is ended elsewhere locks its page at once", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const elsewhere = alice.at(await (await newBrowser()).newPage());
  await elsewhere.logIn();
  await expect(alice.page.getByText("New sign-in to your account: Chrome on Linux")).toBeVisible();
  await expect(alice.page.getByRole("link", { name: "Look at your sessions" })).toHaveAttribute("href", "/settings/sessions");

  await test.step("the notice is put away for good", async () => {
    await alice.page.getByRole("button", { name: "It was me" }).click();
    await expect(alice.page.getByText("New sign-in")).toBeHidden();
    await alice.page.reload();
    await hydrated(alice.page);
    await alice.seesInbox();
    await expect(alice.page.getByText("New sign-in")).toBeHidden();
  });

  await alice.page.evaluate(() =>
    fetch("/fn/session/end-others", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" }),
  );
  await expect(elsewhere.page.getByText("Your session has ended.")).toBeVisible({ timeout: 5_000 });
  await elsewhere.seesLocked();
  // What this browser kept opens no more; the password does, in a session of its own.
  await elsewhere.unlocks();
  await elsewhere.seesInbox();
});

/** The fields of what keeps a reloaded page unlocked. */
async function keptKey(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const open = indexedDB.open("secure-messaging");
    const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
    const found = database.transaction("unlock").objectStore("unlock").get("current");
    const record = await new Promise<object>((done) => (found.onsuccess = () => done(found.result)));
    database.close();
    return Object.keys(record).sort();
  });
}

/** What the settings write when somebody chooses: minutes, as two bytes. */
async function chooseAutoLock(page: Page, minutes: number): Promise<void> {
  await page.evaluate(async (minutes) => {
    const open = indexedDB.open("secure-messaging");
    const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
    const write = database.transaction("records", "readwrite");
    write.objectStore("records").put(new Uint8Array([minutes >> 8, minutes & 255]), "device/auto-lock");
    await new Promise((done) => (write.oncomplete = done));
    database.close();
  }, minutes);
}

/** Listens in the page for another tab's word that it is used; the answer waits until the page has heard it. */
async function hearsOfUse(page: Page): Promise<() => Promise<void>> {
  const ear = await page.evaluateHandle(() => {
    const heard = new Promise<void>((done) => {
      const channel = new BroadcastChannel("secure-messaging");
      channel.onmessage = (event) => {
        if (event.data !== "used") return;
        channel.close();
        done();
      };
    });
    return { heard };
  });
  return () => ear.evaluate(({ heard }) => heard);
}

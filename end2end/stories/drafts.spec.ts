import { expect, hydrated, test } from "../support/story.ts";

test("what was written and not sent outlasts a reload, sealed; sent or emptied it is gone", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  const carol = await newPerson("carol");
  await alice.writeTo(["bob"], "First of all");
  await alice.writeTo(["carol"], "Hello Carol");
  await alice.openConversationWith("bob");

  await alice.composer().pressSequentially("Half a sentence about");
  await alice.openConversationWith("carol");
  await expect(alice.composer()).toHaveValue("");
  await alice.composer().fill("Something for Carol");
  await expect.poll(() => kept(alice.page)).toBe(2);
  await alice.page.reload();
  await hydrated(alice.page);
  await expect(alice.composer()).toHaveValue("Something for Carol");
  await alice.openConversationWith("bob");
  await expect(alice.composer()).toHaveValue("Half a sentence about");

  await test.step("nothing of it is readable in the browser's store", async () => {
    const texts = await alice.page.evaluate(async () => {
      const open = indexedDB.open("secure-messaging");
      const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
      const all = database.transaction("records").objectStore("records").getAll();
      const values = await new Promise<Uint8Array[]>((done) => (all.onsuccess = () => done(all.result)));
      database.close();
      return values.map((bytes) => new TextDecoder().decode(bytes));
    });
    expect(texts.filter((text) => text.includes("Half a sentence"))).toEqual([]);
  });

  await test.step("a second tab goes on where the first one stopped", async () => {
    const second = alice.at(await alice.page.context().newPage());
    await second.page.goto(alice.page.url());
    await hydrated(second.page);
    await expect(second.composer()).toHaveValue("Half a sentence about");
    await second.composer().press("End");
    await second.composer().pressSequentially(" the weather");
    await second.composer().press("Enter");
    await second.seesAsSent("about the weather");
    await second.page.close();
  });

  await alice.openConversationWith("carol");
  await alice.composer().fill("");
  await expect.poll(() => kept(alice.page)).toBe(0);
  await alice.page.reload();
  await hydrated(alice.page);
  await expect(alice.composer()).toHaveValue("");
  await alice.openConversationWith("bob");
  await expect(alice.composer()).toHaveValue("");
  await bob.openConversationWith("alice");
  await bob.sees("about the weather");
  expect(carol.username).toBe("carol");
});

/** How many drafts the browser's store holds. */
async function kept(page: import("@playwright/test").Page): Promise<number> {
  return page.evaluate(async () => {
    const open = indexedDB.open("secure-messaging");
    const database = await new Promise<IDBDatabase>((done) => (open.onsuccess = () => done(open.result)));
    const names = database.transaction("records").objectStore("records").getAllKeys();
    const found = await new Promise<IDBValidKey[]>((done) => (names.onsuccess = () => done(names.result)));
    database.close();
    return found.filter((name) => String(name).includes("/composer/")).length;
  });
}

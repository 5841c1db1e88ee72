import { expect, hydrated, test } from "../support/story.ts";

test("one device is revoked while the other reads: it locks, and everything stays readable", async ({
  newPerson,
  newBrowser,
}) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Written on the first device");
  const laptop = alice.at(await (await newBrowser()).newPage());
  await laptop.logIn();
  await laptop.openConversationWith("bob");
  await laptop.sees("first device");
  await laptop.writes("Written on the second device");
  await bob.openConversationWith("alice");
  await bob.sees("second device");
  // The second device has been introduced and looked after its keys before it is ended.
  await laptop.canReceive().catch(() => undefined);

  await alice.page.goto("/settings/sessions");
  await hydrated(alice.page);
  const sessions = alice.page.getByRole("list", { name: "Signed in on" });
  await expect(sessions.getByRole("listitem")).toHaveCount(2);
  await sessions.getByRole("button", { name: /^Sign out/ }).click();
  await expect(alice.page.getByText(/was signed out\.$/)).toBeVisible({ timeout: 20_000 });
  await laptop.seesLocked();

  await bob.writes("Only for the first device");
  await alice.openInbox();
  await alice.openConversationWith("bob");
  await alice.sees("Only for the first device");
  const all = ["Written on the first device", "Written on the second device", "Only for the first device"];
  expect(await alice.texts()).toEqual(all);

  // Whoever knows the password comes back as a new device, and reads everything.
  await laptop.unlocks();
  await laptop.seesInbox();
  await laptop.openConversationWith("bob");
  await laptop.sees("Only for the first device");
  expect(await laptop.texts()).toEqual(all);
  await laptop.writes("Back again");
  await bob.sees("Back again");
});

test("what a browser kept is wiped in its developer tools, and the password rebuilds all of it", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Before the wipe");
  await bob.openConversationWith("alice");
  await bob.writes("Seen");
  await alice.sees("Seen");

  const tools = await alice.page.context().newCDPSession(alice.page);
  const origin = new URL(alice.page.url()).origin;
  await alice.page.goto("about:blank");
  await tools.send("Storage.clearDataForOrigin", { origin, storageTypes: "indexeddb,local_storage,cache_storage" });
  await alice.page.goto(`${origin}/inbox`);
  await hydrated(alice.page);
  await alice.seesSignIn();
  await alice.logIn();
  await alice.openConversationWith("bob");
  await alice.sees("Seen");
  expect(await alice.texts()).toEqual(["Before the wipe", "Seen"]);
  await alice.writes("After the wipe");
  await bob.sees("After the wipe");

  await alice.page.goto("/settings/data");
  await hydrated(alice.page);
  await expect(alice.page.getByRole("heading", { name: "Diagnostics" })).toBeVisible();
});

test.use({ noise: { expected: [/status of 401/] } });

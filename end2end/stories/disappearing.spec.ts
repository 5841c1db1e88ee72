import type { Request } from "@playwright/test";

import { isAccessible } from "../support/accessible.ts";
import type { Server } from "../support/server.ts";
import { expect, test } from "../support/story.ts";

test("a disappearing conversation is watched to its end: in both browsers, and in the database's files", async ({
  server,
  newPerson,
}) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Let us talk off the record");
  await bob.openConversationWith("alice");
  await bob.sees("off the record");
  for (const person of [alice, bob]) await person.canReceive();

  await test.step("a timer that nobody can mean is refused with a word", async () => {
    for (const amount of ["0", "-5", "1000"]) {
      await alice.setsOwnTimer(amount, "weeks");
      await expect(alice.page.getByText(/^Enter a whole number: 5 seconds at the least/)).toBeVisible();
      await alice.closesPanel();
    }
  });

  await test.step("both see the timer, in the thread and in the header", async () => {
    await alice.setsOwnTimer("8", "seconds");
    await isAccessible(alice.page, "a conversation");
    await alice.closesPanel();
    const line = "Messages disappear after 8 seconds from here on";
    await expect(alice.thread().getByText(`You: ${line}`)).toBeVisible();
    await expect(bob.thread().getByText(`alice: ${line}`)).toBeVisible();
    await expect(bob.page.getByRole("button", { name: "Messages disappear after 8 seconds" })).toBeVisible();
  });

  const sent = alice.page.waitForRequest((request) => request.url().endsWith("/fn/mailbox/send"));
  await alice.writes("Burn this after reading");
  const pieces = piecesOf(await sent);
  await bob.sees("Burn this after reading");
  await expect(bob.message("Burn this")).toContainText("Disappears at");
  expect(await inFiles(server, pieces), "its ciphertext is there as long as it may be read").toBe(true);

  await expect(bob.message("Burn this")).toHaveCount(0, { timeout: 20_000 });
  await expect(alice.message("Burn this")).toHaveCount(0, { timeout: 20_000 });
  await expect
    .poll(() => inFiles(server, pieces), { message: "no byte of it is left in the database's files", timeout: 20_000 })
    .toBe(false);
  for (const person of [alice, bob]) {
    await person.page.reload();
    await person.sees("off the record");
    await expect(person.message("Burn this")).toHaveCount(0);
  }

  await test.step("switched off, messages stay", async () => {
    await bob.setsTimer("Off: messages stay");
    await alice.thread().getByText("bob: Messages stay from here on").waitFor();
    await alice.writes("This one stays");
    await bob.sees("This one stays");
    await expect(bob.message("This one stays")).not.toContainText("Disappears at");
  });
});

test("a message is deleted for oneself on all devices, or taken back from everyone", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "First of three");
  await alice.writes("Second of three");
  await alice.writes("Third of three");
  await bob.openConversationWith("alice");
  await bob.sees("Third of three");
  const tablet = alice.at(await (await newBrowser()).newPage());
  await tablet.logIn();
  await tablet.openConversationWith("bob");
  await tablet.sees("Third of three");

  await alice.deletes("First of three", "Delete for me");
  await expect(alice.message("First of three")).toHaveCount(0);
  await expect(tablet.message("First of three")).toHaveCount(0);
  await alice.deletes("Second of three", "Delete for everyone");
  for (const person of [alice, tablet, bob]) await expect(person.message("Second of three")).toHaveCount(0);
  await bob.sees("First of three");

  // Not what others wrote.
  await bob.writes("An answer");
  await alice.sees("An answer");
  await alice.message("An answer").getByRole("button", { name: "Delete this message" }).click();
  await expect(alice.message("An answer").getByRole("button", { name: "Delete for everyone" })).toHaveCount(0);
  await isAccessible(alice.page, "a conversation");
  await alice.page.keyboard.press("Escape");
  await expect(alice.message("An answer").getByRole("button", { name: "Delete this message" })).toBeFocused();

  for (const person of [alice, tablet]) {
    await person.page.reload();
    await expect.poll(() => person.texts()).toEqual(["Third of three", "An answer"]);
  }
});

/** Parts of an envelope that say nothing by themselves, long enough to be found nowhere by chance. */
function piecesOf(request: Request): Buffer[] {
  const { envelope } = request.postDataJSON() as { envelope: string };
  const bytes = Buffer.from(envelope, "base64url");
  // The end is a seal; what stands before the seals and the signature is the body.
  return [bytes.subarray(-200, -100), bytes.subarray(-1168 - 64 - 32 - 200, -1168 - 64 - 32 - 100)];
}

async function inFiles(server: Server, pieces: Buffer[]): Promise<boolean> {
  const written = await server.everythingWritten();
  return [...written.values()].some((bytes) => pieces.some((piece) => bytes.includes(piece)));
}

import { giveNoKeys, lieAboutKeysOf, tellTheTruth } from "../support/hostile-relay.ts";
import { expect, test } from "../support/story.ts";

test("a changed identity key of a contact blocks sending, with one clear warning", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Good morning Bob");
  await bob.openConversationWith("alice");
  await bob.sees("Good morning Bob");

  // A reload forgets the keys that were fetched before; the pin in the vault stays.
  await giveNoKeys(alice.page.context());
  await alice.page.reload();
  await alice.writes("This must not go out");
  await lieAboutKeysOf("bob", alice.page.context());
  await expect(alice.page.getByText("The security key of bob has changed.", { exact: true })).toBeVisible();
  await expect(alice.page.getByRole("button", { name: "Review and accept" })).toHaveCount(1);
  await expect(alice.composer()).toBeHidden();
  await expect(alice.message("This must not go out")).not.toContainText("Sent");
  // Whoever opens the conversation is warned before a word is written.
  await alice.page.reload();
  await expect(alice.page.getByText("The security key of bob has changed.", { exact: true })).toBeVisible();

  // Bob got nothing, and still can write; Alice still reads what his true key signs.
  await bob.writes("Are you there, Alice?");
  await alice.sees("Are you there, Alice?");
  expect(await bob.texts()).toEqual(["Good morning Bob", "Are you there, Alice?"]);

  // The lie ends: the pinned key is the served one again, and the message goes out.
  await tellTheTruth(alice.page.context());
  await alice.page.reload();
  await expect(alice.composer()).toBeVisible();
  await expect(async () => {
    const retry = alice.message("This must not go out").getByRole("button", { name: "Retry" });
    if (await retry.isVisible()) await retry.click();
    await expect(alice.message("This must not go out")).toContainText("Sent", { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await bob.sees("This must not go out");
});

test("whoever accepts a changed key sees the number to compare first, and decides by name", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Good morning Bob");
  await bob.openConversationWith("alice");
  await bob.sees("Good morning Bob");
  await alice.page.getByRole("button", { name: "Who reads this" }).click();
  const number = alice.page.getByRole("list", { name: "Safety number with bob" });
  const before = await number.innerText();
  await alice.page.getByRole("button", { name: "Close" }).click();

  await giveNoKeys(alice.page.context());
  await alice.page.reload();
  await alice.writes("For the wrong eyes");
  await lieAboutKeysOf("bob", alice.page.context());
  await alice.page.getByRole("button", { name: "Review and accept" }).click();
  await expect(number).toBeVisible();
  expect(await number.innerText(), "another key is another number").not.toBe(before);
  await alice.page.getByRole("button", { name: "Not now" }).click();
  await expect(alice.composer()).toBeHidden();

  await alice.page.getByRole("button", { name: "Review and accept" }).click();
  await alice.page.getByRole("button", { name: "Accept the new key" }).click();
  await expect(alice.page.getByText("The security key of bob has changed.", { exact: true })).toBeHidden();
  await expect(alice.composer()).toBeVisible();
  // The relay keeps bob's true key and does not take what is sealed to another: the message waits, and reaches nobody.
  await alice.page.waitForResponse((answer) => answer.url().endsWith("/fn/mailbox/send") && answer.status() === 409);
  await expect(alice.message("For the wrong eyes")).toContainText(/Queued|Sending/);
  expect(await bob.texts()).toEqual(["Good morning Bob"]);
});

test.use({ noise: { expected: [/status of 409/, /status of 503/] } });

import { lieAboutKeysOf } from "../support/hostile-relay.ts";
import { expect, test } from "../support/story.ts";

test("a changed identity key of a contact blocks sending, with one clear warning", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Good morning Bob");
  await bob.openConversationWith("alice");
  await bob.sees("Good morning Bob");

  await lieAboutKeysOf("bob", alice.page.context());
  // A reload forgets the keys that were fetched before; the pin in the vault stays.
  await alice.page.reload();
  await alice.writes("This must not go out");
  await expect(alice.page.getByText("The security key of bob has changed.", { exact: true })).toBeVisible();
  await expect(alice.page.getByRole("button", { name: "Review and accept" })).toHaveCount(1);
  await expect(alice.composer()).toBeHidden();
  await expect(alice.message("This must not go out")).not.toContainText("Sent");

  // Bob got nothing, and still can write; Alice still reads what his true key signs.
  await bob.writes("Are you there, Alice?");
  await alice.sees("Are you there, Alice?");
  expect(await bob.texts()).toEqual(["Good morning Bob", "Are you there, Alice?"]);

  // The lie ends: the pinned key is the served one again, and the message goes out.
  await alice.page.context().unroute("**/fn/directory/keys");
  await alice.page.reload();
  await expect(alice.composer()).toBeVisible();
  await expect(async () => {
    const retry = alice.message("This must not go out").getByRole("button", { name: "Retry" });
    if (await retry.isVisible()) await retry.click();
    await expect(alice.message("This must not go out")).toContainText("Sent", { timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await bob.sees("This must not go out");
});

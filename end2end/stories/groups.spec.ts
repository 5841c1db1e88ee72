import { expect, test } from "../support/story.ts";

test("several people in one conversation: everyone reads, and sees who else does", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  const carol = await newPerson("carol");
  const dave = await newPerson("dave");

  await alice.writeTo(["bob", "carol"], "Lunch on Thursday, the three of us?");
  await bob.openConversationWith("alice and carol");
  await bob.sees("three of us");
  await carol.openConversationWith("alice and bob");
  await carol.sees("three of us");
  await carol.writes("With pleasure, I bring bread");
  await bob.sees("I bring bread");
  await alice.sees("I bring bread");
  expect(await bob.texts()).toEqual(await alice.texts());

  await bob.page.getByRole("button", { name: "Who reads this" }).click();
  const readers = bob.page.getByRole("region", { name: "Who reads this" });
  await expect(readers).toContainText("alice");
  await expect(readers).toContainText("carol");
  await expect(readers).not.toContainText("dave");
  const [seenByBob, seenByAlice] = await Promise.all(
    [
      [bob, "alice"],
      [alice, "bob"],
    ].map(async ([person, other]) => {
      if (typeof person === "string" || typeof other !== "string") throw new Error("a person and a name");
      const panel = person.page.getByRole("region", { name: "Who reads this" });
      if (!(await panel.isVisible())) await person.page.getByRole("button", { name: "Who reads this" }).click();
      return panel.getByRole("list", { name: `Safety number with ${other}` }).innerText();
    }),
  );
  expect(seenByBob?.replace(/\D/g, "")).toMatch(/^\d{60}$/);
  expect(seenByBob).toBe(seenByAlice);

  await dave.openInbox();
  await expect(dave.page.getByText("No conversation yet.")).toBeVisible();

  // The same people are the same conversation, whoever starts it.
  await carol.writeTo(["alice", "bob"], "And cheese");
  await bob.sees("And cheese");
  expect(await alice.page.getByRole("navigation", { name: "Conversations" }).getByRole("listitem").count()).toBe(1);
});

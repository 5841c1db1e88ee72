import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // A server that is gone; and a tab whose session another one has ended, which looks at once.
  noise: { expected: [/net::ERR_CONNECTION_REFUSED/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/, /net::ERR_CONNECTION_RESET/, /net::ERR_EMPTY_RESPONSE/, /status of 401/] },
});

test("what was written while the server was gone waits, and goes out once", async ({ server, newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Before the power cut");
  await bob.openConversationWith("alice");
  await bob.sees("power cut");

  await server.kill();
  await alice.writes("First of the dark");
  await alice.writes("Second of the dark");
  await expect(alice.message("First of the dark")).toContainText(/Queued|Sending/);
  await expect(alice.page.getByText("No connection to the server")).toBeVisible();

  await server.start();
  await expect(alice.message("Second of the dark")).toContainText("Sent", { timeout: 45_000 });
  await expect(alice.page.getByText("No connection to the server")).toBeHidden();
  await expect(bob.message("Second of the dark")).toBeVisible({ timeout: 45_000 });
  expect(await bob.texts()).toEqual(["Before the power cut", "First of the dark", "Second of the dark"]);
  expect(await alice.texts()).toEqual(await bob.texts());
});

test("two tabs of one account work side by side", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "From the first tab");
  const second = alice.at(await alice.page.context().newPage());
  await second.page.goto(alice.page.url());
  await hydrated(second.page);
  await second.sees("From the first tab");

  await Promise.all([alice.writes("One from here"), second.writes("One from there")]);
  await bob.openConversationWith("alice");
  await bob.sees("One from here");
  await bob.sees("One from there");
  await alice.sees("One from there");
  await second.sees("One from here");
  await alice.seesAsSent("One from here");
  await second.seesAsSent("One from there");
  const told = await bob.texts();
  expect(told).toHaveLength(3);
  expect(await alice.texts()).toEqual(told);
  expect(await second.texts()).toEqual(told);

  await second.logOut();
  await expect(alice.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

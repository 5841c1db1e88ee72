import { nothingLeaked } from "../support/canary.ts";
import { expect, hydrated, test } from "../support/story.ts";

test("two people message each other through reload, log out, another browser, and a restart", async ({
  server,
  newPerson,
  newBrowser,
}) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");

  await test.step("Alice writes, Bob sees it without a reload", async () => {
    await bob.openInbox();
    await alice.writeTo(["bob"], "Hello Bob! The key is under the mat.");
    await alice.seesAsSent("under the mat");
    const list = bob.page.getByRole("navigation", { name: "Conversations" });
    await expect(list.getByRole("link", { name: "alice" })).toContainText("under the mat");
    await expect(bob.page).toHaveTitle(/^\(1\)/);
    await bob.openConversationWith("alice");
    await bob.sees("under the mat");
    await expect(bob.page).toHaveTitle(/^Inbox/);
  });

  await test.step("they talk: in order, once", async () => {
    await bob.writes("Thank you Alice, found it.");
    await alice.sees("found it");
    for (const number of [1, 2, 3, 4, 5]) await alice.writes(`Errand number ${number} of five`);
    await bob.sees("number 5 of five");
    const told = [
      "Hello Bob! The key is under the mat.",
      "Thank you Alice, found it.",
      ...[1, 2, 3, 4, 5].map((number) => `Errand number ${number} of five`),
    ];
    expect(await bob.texts()).toEqual(told);
    await alice.seesAsSent("number 5 of five");
    expect(await alice.texts()).toEqual(told);
  });

  await test.step("however much is unread, the page stays in its place", async () => {
    await bob.page.goto("/inbox");
    await hydrated(bob.page);
    for (let line = 1; line <= 18; line += 1) await alice.writes(`Line ${line} of a long story`);
    await alice.seesAsSent("Line 18 of a long story");
    await bob.openConversationWith("alice");
    await bob.sees("Line 18 of a long story");
    const scrolled = await bob.page.evaluate(() =>
      ["html", "body", ".mailbox"].map((part) => document.querySelector(part)?.scrollTop ?? Number.NaN),
    );
    expect(scrolled).toEqual([0, 0, 0]);
    await expect(bob.page.getByRole("heading", { name: "alice", level: 2 })).toBeInViewport();
  });

  await test.step("markup stays text", async () => {
    const markup = `<img src=x onerror="alert(1)"><b>bold</b> & "quotes"`;
    await alice.writes(markup);
    await bob.sees("<b>bold</b>");
    expect((await bob.texts()).at(-1)).toBe(markup);
  });

  await test.step("a reload keeps Alice signed in and unlocked, where she was", async () => {
    const address = alice.page.url();
    await alice.page.reload();
    await hydrated(alice.page);
    await alice.sees("under the mat");
    expect(alice.page.url()).toBe(address);
    await alice.writes("Still here after a reload");
    await bob.sees("after a reload");
  });

  await test.step("Bob logs out; his browser keeps nothing that opens", async () => {
    await bob.logOut();
    await bob.page.goto("/inbox");
    await hydrated(bob.page);
    await expect(bob.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });

  await test.step("the server restarts; Alice's page catches up by itself", async () => {
    await server.stop();
    await alice.writes("Written while the server was down");
    await expect(alice.message("server was down")).toContainText(/Queued|Sending/);
    await server.start();
    await expect(alice.message("server was down")).toContainText("Sent", { timeout: 45_000 });
  });

  await test.step("Bob logs in from a fresh browser: the whole history is there", async () => {
    const elsewhere = bob.at(await (await newBrowser()).newPage());
    await elsewhere.logIn();
    await elsewhere.openConversationWith("alice");
    await elsewhere.sees("server was down");
    const history = await elsewhere.texts();
    expect(history[0]).toBe("Hello Bob! The key is under the mat.");
    expect(history.at(-1)).toBe("Written while the server was down");
    expect(history).toEqual(await alice.texts());
    await elsewhere.writes("Reading all of it on the new machine");
    await alice.sees("on the new machine");
    for (const [name, secret] of elsewhere.secrets) bob.secrets.set(name, secret);
  });

  await test.step("the server has written down nothing that was secret", async () => {
    await nothingLeaked(server, new Map([...alice.secrets, ...bob.secrets]));
    await server.stop();
    await nothingLeaked(server, new Map([...alice.secrets, ...bob.secrets]));
  });
});

test.use({
  // While the server is away the browser itself reports what it could not reach.
  noise: { expected: [/net::ERR_CONNECTION_REFUSED/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/, /net::ERR_CONNECTION_RESET/, /net::ERR_EMPTY_RESPONSE/, /status of 401/] },
});

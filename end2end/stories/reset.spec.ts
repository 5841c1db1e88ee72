import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // Tokens that are good no more, sessions that have ended, and mails that cannot be sent are answers with a status.
  noise: { expected: [/status of 400/, /status of 401/, /status of 503/] },
});

const NO_TOKEN = "A".repeat(43);

test("without a way to send mail nothing pretends to have sent one", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/fn/reset/forgot")) asked.push(request.url());
  });
  await page.goto("/login");
  await hydrated(page);
  await page.getByRole("link", { name: "Forgot password?" }).click();
  await expect(page.getByText("This server does not send mail. Nothing was sent.")).toBeVisible();
  await expect(page.getByText("secure-messaging admin reset-link NAME")).toBeVisible();
  await expect(page.getByText("on its way")).toBeHidden();
  await page.getByRole("link", { name: "I have a link or a token" }).click();
  await expect(page.getByLabel("Link or token")).toBeVisible();
  expect(asked).toEqual([]);
});

test("an address that is none is noticed before anything is sent", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  await page.route("**/fn/server/policy", (route) => route.fulfill({ json: { registration: "open", mail: true } }));
  await page.goto("/forgot");
  await hydrated(page);
  for (const address of ["", "alice", "alice@", "a b@example.org"]) {
    await page.getByLabel("E-mail").fill(address);
    await page.getByRole("button", { name: "Send the mail" }).click();
    await expect(page.getByRole("alert").filter({ hasText: "This is not an e-mail address" })).toBeVisible();
    await expect(page.getByLabel("E-mail")).toBeFocused();
  }
  await test.step("and when the server cannot after all, it says so", async () => {
    await page.getByLabel("E-mail").fill("alice@example.org");
    await page.getByRole("button", { name: "Send the mail" }).click();
    await expect(page.getByText("This server does not send mail. Nothing was sent.")).toBeVisible();
  });
  await test.step("when it can, the page says no more than it knows", async () => {
    await page.route("**/fn/reset/forgot", (route) => route.fulfill({ json: {} }));
    await page.reload();
    await hydrated(page);
    await page.getByLabel("E-mail").fill("alice@example.org");
    await page.getByRole("button", { name: "Send the mail" }).click();
    await expect(page.getByText("If an account has the address alice@example.org, a mail with a link is on its way.")).toBeVisible();
    await expect(page.getByRole("heading", { name: "Look into your mailbox" })).toBeFocused();
  });
});

test("a token leaves the address bar, and a bad one is told from a broken one", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  await page.goto(`/reset#token=${NO_TOKEN}`);
  await hydrated(page);
  await expect(page.getByRole("alert").filter({ hasText: "not valid any more" })).toBeVisible();
  expect(page.url()).not.toContain("token");
  expect(page.url()).toMatch(/\/reset$/);
  await expect(page.getByLabel("Link or token")).toBeFocused();

  await page.getByLabel("Link or token").fill(NO_TOKEN.slice(1));
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "not a whole token" })).toBeVisible();

  await page.getByLabel("Link or token").fill(`https://elsewhere.example/reset#token=${NO_TOKEN}`);
  await page.getByRole("button", { name: "Continue" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "not valid any more" })).toBeVisible();

  await test.step("a link that is opened where the page stands already is followed", async () => {
    const checked = page.waitForRequest("**/fn/reset/check");
    await page.evaluate((token) => {
      location.hash = `token=${token}`;
    }, NO_TOKEN);
    await checked;
    await expect.poll(() => page.url()).not.toContain("token");
  });

  await test.step("the page that confirms an address says what happened, too", async () => {
    await page.goto("/confirm-email");
    await hydrated(page);
    await expect(page.getByRole("alert").filter({ hasText: "opens from the link in a mail" })).toBeVisible();
    await page.goto(`/confirm-email?#token=${NO_TOKEN}`);
    await hydrated(page);
    await expect(page.getByRole("alert").filter({ hasText: "not valid any more" })).toBeVisible();
    expect(page.url()).not.toContain("token");
  });
});

test("with the recovery key everything stays; a typing error in it is noticed before anything is sent", async ({
  server,
  newPerson,
  newBrowser,
}) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Written before the reset");
  await alice.seesAsSent("before the reset");
  const link = await server.admin("reset-link", "alice");
  const elsewhere = alice.at(await (await newBrowser()).newPage());
  const { page } = elsewhere;
  const sent: string[] = [];
  page.on("request", (request) => sent.push(new URL(request.url()).pathname));
  await page.goto(link);
  await hydrated(page);
  await expect(page.getByRole("heading", { name: "Set a new password" })).toBeFocused();
  await expect(page.getByText("For the account alice")).toBeVisible();

  const field = page.getByLabel("Recovery key", { exact: true });
  for (const [typed, complaint] of [
    ["", "Type your recovery key"],
    [alice.recoveryKey.slice(0, -1), "43 characters instead of 44"],
    [`U${alice.recoveryKey.slice(1)}`, "look at group 1"],
    [swapped(alice.recoveryKey), "typing error"],
    [bob.recoveryKey, "does not open this account"],
  ] as const) {
    await field.fill(typed);
    await elsewhere.setsNewPassword("Second-Lantern-58!");
    await expect(page.getByRole("alert").filter({ hasText: complaint })).toBeVisible();
    await expect(field).toBeFocused();
  }
  await field.fill(alice.recoveryKey.toLowerCase().replaceAll("-", " "));
  await expect(page.getByText("This is the recovery key of this account")).toBeVisible();
  await elsewhere.setsNewPassword("short");
  await expect(page.getByRole("alert").filter({ hasText: "at least 8 characters" })).toBeVisible();
  expect(sent).not.toContain("/fn/reset/redeem");

  await elsewhere.setsNewPassword("Second-Lantern-58!");
  await expect(page.getByRole("heading", { name: "Your new password is set" })).toBeVisible({ timeout: 20_000 });
  // The page that was open is locked at once.
  await alice.seesLocked();

  await page.getByRole("link", { name: "Sign in" }).last().click();
  await elsewhere.withPassword("Second-Lantern-58!").fillInLogin();
  await elsewhere.seesInbox();
  await elsewhere.openConversationWith("bob");
  await elsewhere.sees("before the reset");
  await elsewhere.writes("And this is after it");
  await bob.openConversationWith("alice");
  await bob.sees("after it");
  await expect(bob.page.getByText("The security key of alice has changed.")).toBeHidden();

  await test.step("the link is used up", async () => {
    const again = await (await newBrowser()).newPage();
    await again.goto(link);
    await hydrated(again);
    await expect(again.getByRole("alert").filter({ hasText: "not valid any more" })).toBeVisible();
  });
});

test("whoever has no recovery key begins anew, and is told before; the new key is asked for until it is kept", async ({
  server,
  newPerson,
  newBrowser,
}) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "From the time before");
  await bob.openConversationWith("alice");
  await bob.sees("time before");
  const link = await server.admin("reset-link", "alice");
  const elsewhere = alice.at(await (await newBrowser()).newPage());
  const { page } = elsewhere;
  await page.goto(link);
  await hydrated(page);
  await page.getByLabel("I do not have my recovery key").check();
  await expect(page.getByRole("alert").filter({ hasText: "You begin anew" })).toContainText("Your contacts are warned");
  await expect(page.getByLabel("Recovery key", { exact: true })).toBeHidden();
  await elsewhere.setsNewPassword("Second-Lantern-58!");
  await expect(page.getByRole("heading", { name: "Keep your recovery key" })).toBeVisible({ timeout: 20_000 });
  const shown = await page.getByRole("list", { name: "Recovery key" }).getByRole("listitem").allInnerTexts();

  // The page is closed before the key was confirmed: it is asked for after the next login, the same one.
  await page.goto("/login");
  await hydrated(page);
  await elsewhere.withPassword("Second-Lantern-58!").fillInLogin();
  await expect(page.getByRole("heading", { name: "Keep your recovery key" })).toBeVisible({ timeout: 20_000 });
  expect(await page.getByRole("list", { name: "Recovery key" }).getByRole("listitem").allInnerTexts()).toEqual(shown);
  await elsewhere.keepRecoveryKey();
  await elsewhere.seesInbox();
  await expect(page.getByText("1 older message is sealed with your keys from before the reset.")).toBeVisible();
  await expect(page.getByRole("link", { name: "Open them in Settings" })).toHaveAttribute("href", "/settings/data");

  await bob.page.reload();
  await hydrated(bob.page);
  await expect(bob.page.getByText("The security key of alice has changed.")).toBeVisible();
});

test("a browser that is still signed in needs no recovery key", async ({ server, newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Kept by this browser");
  await alice.seesAsSent("Kept by this browser");
  const { page } = alice;
  await page.goto(await server.admin("reset-link", "alice"));
  await hydrated(page);
  await expect(page.getByText("This browser is signed in to this account")).toBeVisible();
  await expect(page.getByLabel("Recovery key", { exact: true })).toBeHidden();
  await alice.setsNewPassword("Second-Lantern-58!");
  await expect(page.getByRole("heading", { name: "Your new password is set" })).toBeVisible({ timeout: 20_000 });
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await alice.seesLocked();
  await alice.unlocks("Second-Lantern-58!");
  await alice.seesInbox();
  await alice.openConversationWith("bob");
  await alice.sees("Kept by this browser");
  expect(bob.username).toBe("bob");
});

/** Two characters of the third group change places: each of them is possible, together they are another key. */
function swapped(key: string): string {
  const groups = key.split("-");
  const at = groups.findIndex((group) => group[0] !== group[1]);
  const [a = "", b = "", ...rest] = [...(groups[at] ?? "")];
  groups[at] = [b, a, ...rest].join("");
  return groups.join("-");
}

import { isAccessible, isValid } from "../support/accessible.ts";
import { type Export, opened, saved } from "../support/export.ts";
import { Person } from "../support/person.ts";
import { Settings } from "../support/settings.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // Wrong passwords and codes, and sessions that have ended, are answers with a status.
  noise: { expected: [/status of 400/, /status of 401/, /status of 404/, /status of 409/, /status of 503/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/] },
});

const NEW_PASSWORD = "Second-Lantern-58!";

test("a session that is ended elsewhere locks at once", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const [second, third] = [
    alice.at(await (await newBrowser()).newPage()),
    alice.at(await (await newBrowser()).newPage()),
  ];
  await second.logIn();
  await third.logIn();
  const settings = new Settings(alice);
  await settings.open("Sessions");
  const list = alice.page.getByRole("list", { name: "Signed in on" });
  await expect(list.getByRole("listitem")).toHaveCount(3);
  await expect(list.getByRole("listitem").first()).toContainText("This browser");
  await expect(list.getByRole("listitem").first().getByRole("button")).toHaveCount(0);
  await expect(list.getByRole("listitem").nth(1)).toContainText("last seen just now");

  await list.getByRole("button", { name: /^Sign out/ }).first().click();
  await expect(settings.done("was signed out.")).toBeVisible();
  await expect(alice.page.getByRole("heading", { name: "Signed in on" })).toBeFocused();
  await expect(list.getByRole("listitem")).toHaveCount(2);
  await third.seesLocked();
  await second.openInbox();

  await third.unlocks();
  await third.seesInbox();
  await expect(list.getByRole("listitem")).toHaveCount(3);
  await alice.page.getByRole("button", { name: "Sign out all others" }).click();
  await expect(settings.done("2 other sessions were signed out.")).toBeVisible();
  await second.seesLocked();
  await third.seesLocked();
  await expect(list.getByRole("listitem")).toHaveCount(1);
});

test("this browser locks after the time that was chosen", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const settings = new Settings(alice);
  await settings.open("Sessions");
  await expect(settings.field("Lock without use")).toHaveValue("0");
  await settings.field("Lock without use").selectOption("After 15 minutes");
  await settings.open("Account");
  await settings.open("Sessions");
  await expect(settings.field("Lock without use")).toHaveValue("15");
  await alice.page.getByRole("button", { name: "Lock now" }).click();
  await alice.seesLocked();
  await alice.unlocks();
  await expect(alice.page.getByRole("heading", { name: "Sessions", level: 2 })).toBeVisible();
});

test("everything can be taken away: readable, and in one file that only a passphrase opens", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "<b>Take</b> this along");
  await alice.seesAsSent("this along");
  await bob.openConversationWith("alice");
  await bob.writes("Gladly");
  await alice.sees("Gladly");
  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Your data");
  const sent: string[] = [];
  page.on("request", (request) => sent.push(request.postData() ?? ""));
  const save = async (press: () => Promise<void>) => {
    const download = page.waitForEvent("download");
    await press();
    return download;
  };
  const holdsEverything = (content: Export) => {
    expect(content.format).toBe("secure-messaging/1 export");
    expect(content.username).toBe("alice");
    expect(content.contacts.map((contact) => contact.username)).toEqual(["bob"]);
    expect(content.conversations.map((one) => one.with)).toEqual([["bob"]]);
    const messages = content.conversations[0]?.messages.map(({ from, text }) => [from, text]);
    expect(messages).toEqual([
      ["alice", "<b>Take</b> this along"],
      ["bob", "Gladly"],
    ]);
  };

  const json = await save(() => page.getByRole("button", { name: "Save a file for programs" }).click());
  expect(json.suggestedFilename()).toMatch(/^alice-messages-\d{4}-\d\d-\d\d\.json$/);
  holdsEverything(JSON.parse((await saved(json)).toString("utf8")) as Export);
  await expect(settings.done("Saved as alice-messages-")).toBeVisible();

  const html = await save(() => page.getByRole("button", { name: "Save a page to read" }).click());
  const text = (await saved(html)).toString("utf8");
  expect(text).toContain("&lt;b&gt;Take&lt;/b&gt; this along");
  expect(text).not.toContain("<b>Take");

  const passphrase = "Seven-Brass-Keys-21!";
  await page.getByRole("button", { name: "Save an encrypted file" }).click();
  const fill = async (first: string, again: string) => {
    await settings.field("Passphrase").fill(first);
    await settings.field("Passphrase again").fill(again);
    await page.getByRole("button", { name: "Save encrypted file" }).click();
  };
  await fill("short", "short");
  await expect(settings.complaint("at least 8 characters")).toBeVisible();
  await fill(passphrase, `${passphrase}x`);
  await expect(settings.complaint("different")).toBeVisible();
  const sealed = await save(() => fill(passphrase, passphrase));
  const file = await saved(sealed);
  holdsEverything(opened(file, passphrase));
  expect(() => opened(file, `${passphrase}x`)).toThrow();
  expect(file.includes("Gladly")).toBe(false);
  expect(sent.some((body) => body.includes("Gladly") || body.includes(passphrase)), "nothing of it was sent").toBe(false);
});

test("an account that is deleted is gone, and its contacts are told", async ({ server, newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await alice.writeTo(["bob"], "Before I go");
  await alice.seesAsSent("Before I go");
  await bob.openConversationWith("alice");
  await bob.sees("Before I go");

  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Account");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(settings.field("Type your username")).toBeFocused();
  await settings.confirm("Delete for ever");
  await expect(settings.complaint("Type your username, alice")).toBeVisible();
  await settings.field("Type your username").fill("alice");
  await settings.confirm("Delete for ever", { password: "not-her-password-1!" });
  await expect(settings.complaint("This is not your password")).toBeVisible();
  await settings.confirm("Delete for ever");
  await expect(page.getByRole("heading", { level: 1, name: "Write freely." })).toBeVisible();
  await expect(page.getByText("The account alice is deleted.")).toBeVisible();
  await expect(page).toHaveURL(`${server.url}/`);

  await test.step("her browser keeps nothing, and her name lets nobody in", async () => {
    await page.goto("/inbox");
    await hydrated(page);
    await alice.seesSignIn();
    await alice.fillInLogin();
    await expect(page.getByRole("alert").filter({ hasText: "Wrong username or password" })).toBeVisible();
    const again = new Person("alice", await (await newBrowser()).newPage());
    await again.fillInRegistration();
    await again.submitRegistration();
    await expect(again.page.getByRole("alert").filter({ hasText: "taken" })).toBeVisible({ timeout: 20_000 });
  });

  await test.step("Bob keeps what she wrote, and sees that she is gone", async () => {
    await bob.openInbox();
    await bob.openConversationWith("alice");
    await bob.sees("Before I go");
    await expect(bob.page.getByText("alice deleted their account")).toBeVisible();
  });
});

test("a server without mail says so, and offers no address that cannot be confirmed", async ({ newPerson }) => {
  const settings = new Settings(await newPerson("alice"));
  await settings.open("Account");
  await expect(settings.part("E-mail")).toContainText("This server sends no mail");
  await expect(settings.page.getByRole("button", { name: "Add an address" })).toBeHidden();
  await expect(settings.page.getByRole("switch")).toBeHidden();
});

test.describe("where the server sends mail", () => {
  test.use({ mail: "expected" });

  test("an address counts once its mail was read; then it hears of sign-ins", async ({ post, newPerson, newBrowser }) => {
    const alice = await newPerson("alice");
    const settings = new Settings(alice);
    const { page } = alice;
    await settings.open("Account");
    await expect(settings.part("E-mail")).toContainText("There is no address");
    await page.getByRole("button", { name: "Add an address" }).click();
    await settings.field("New address").fill("alice@");
    await settings.confirm("Send the mail");
    await expect(settings.complaint("This is not an e-mail address")).toBeVisible();
    await settings.field("New address").fill("alice@example.org");
    await settings.confirm("Send the mail");
    await expect(settings.part("E-mail")).toContainText("We sent a mail to alice@example.org");
    await expect(page.getByRole("switch")).toBeHidden();

    const mail = await post.take("alice@example.org", /./);
    const link = mail.text?.match(/https?:\S+\/confirm-email#\S+/)?.[0] ?? "";
    const reader = await (await newBrowser()).newPage();
    await reader.goto(link);
    await expect(reader.getByText("is now the address of the account")).toBeVisible();

    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await expect(settings.part("E-mail")).not.toContainText("We sent a mail");
    const told = page.getByRole("switch", { name: "Mail me about new sign-ins" });
    const wasOn = await told.isChecked();
    if (!wasOn) await told.check();
    await settings.open("Account");
    await expect(told).toBeChecked();
    await alice.at(await (await newBrowser()).newPage()).logIn();
    await post.take("alice@example.org", /sign/i);

    await page.getByRole("button", { name: "Remove address" }).click();
    await settings.confirm("Remove the address");
    await expect(settings.done("Your address is removed")).toBeVisible();
    await expect(settings.part("E-mail")).toContainText("There is no address");
  });
});

test("what was sealed by a reset opens with the old password", async ({ server, newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await bob.writeTo(["alice"], "From before the reset");
  await bob.seesAsSent("before the reset");
  const anew = alice.at(await (await newBrowser()).newPage()).withPassword(NEW_PASSWORD);
  const { page } = anew;
  await page.goto(await server.admin("reset-link", "alice"));
  await hydrated(page);
  await page.getByLabel("I do not have my recovery key").check();
  await anew.setsNewPassword(NEW_PASSWORD);
  await anew.keepRecoveryKey();
  await page.getByRole("link", { name: "Sign in" }).last().click();
  await anew.fillInLogin();
  await anew.seesInbox();

  const settings = new Settings(anew);
  await settings.open("Your data");
  await expect(settings.part("Sealed messages")).toContainText("Messages from before your reset on");
  await page.getByRole("button", { name: "Open them" }).click();
  await expect(settings.field("Old password")).toBeFocused();
  await settings.field("Old password").fill("not-her-password-1!");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(settings.complaint("This was not your password before the reset")).toBeVisible();
  await settings.field("The recovery key that I had before the reset").check();
  await settings.field("Recovery key").fill(bob.recoveryKey);
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(settings.complaint("does not open this account")).toBeVisible();
  await settings.field("The password that I had before the reset").check();
  await settings.field("Old password").fill(alice.password);
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(settings.done("1 message is readable again")).toBeVisible();
  await anew.openInbox();
  await anew.openConversationWith("bob");
  await anew.sees("From before the reset");
});

test("whoever is not signed in is led to the form, and back", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  await alice.locks();
  await alice.page.goto("/settings/security");
  await hydrated(alice.page);
  await alice.seesLocked();
  await alice.unlocks();
  await expect(alice.page.getByRole("heading", { name: "Security", level: 2 })).toBeVisible();
  await alice.page.getByRole("link", { name: "Back to the inbox" }).click();
  await alice.seesInbox();

  const stranger = await (await newBrowser()).newPage();
  await stranger.goto("/settings/data");
  await hydrated(stranger);
  await expect(stranger.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("every page of the settings is valid and accessible, by day and by night, on a phone and on a desk", async ({
  server,
  newPerson,
}) => {
  test.slow();
  const alice = await newPerson("alice");
  const settings = new Settings(alice);
  const { page } = alice;
  const wide = () => page.setViewportSize({ width: 1280, height: 800 });
  for (const [path, name] of [
    ["/settings", "Account"],
    ["/settings/security", "Security"],
    ["/settings/sessions", "Sessions"],
    ["/settings/data", "Your data"],
  ] as const) {
    await isValid(server.url + path);
    await settings.open(name);
    await expect(page).toHaveTitle(`${name} · Settings · Secure Messaging`);
    await isAccessible(page, name);
    await wide();
  }
  await settings.open("Account");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await settings.confirm("Delete for ever");
  await expect(settings.complaint("Type your username")).toBeVisible();
  await isAccessible(page, "deleting the account");
  await wide();
  await settings.open("Security");
  await page.getByRole("button", { name: "Change password" }).click();
  await isAccessible(page, "changing the password");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Test my recovery key" }).click();
  await isAccessible(page, "testing the recovery key");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Make a new recovery key" }).click();
  await isAccessible(page, "a new recovery key");
  await page.getByRole("button", { name: "Keep the old one" }).click();
  await settings.scanSecret();
  await isAccessible(page, "the secret of the authenticator");
  await page.getByRole("button", { name: "Cancel" }).click();
  const authenticator = await settings.scanSecret();
  await settings.field("First code").fill(await authenticator.code());
  await page.getByRole("button", { name: "Turn on" }).click();
  await settings.recoveryCodes();
  await isAccessible(page, "the recovery codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await isAccessible(page, "two-factor authentication is on");
  await settings.open("Your data");
  await page.getByRole("button", { name: "Save an encrypted file" }).click();
  await isAccessible(page, "an encrypted file");
});

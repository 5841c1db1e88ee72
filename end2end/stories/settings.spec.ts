import type { Page } from "@playwright/test";

import { isAccessible, isValid } from "../support/accessible.ts";
import { nothingLeaked } from "../support/canary.ts";
import { type Export, opened, saved } from "../support/export.ts";
import { PostOffice } from "../support/mail.ts";
import { Person } from "../support/person.ts";
import { Settings } from "../support/settings.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // Wrong passwords and codes, and sessions that have ended, are answers with a status.
  noise: { expected: [/status of 400/, /status of 401/, /status of 404/, /status of 503/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/] },
});

const NEW_PASSWORD = "Second-Lantern-58!";

test("with two-factor authentication a password alone does not let anybody in", async ({
  server,
  newPerson,
  newBrowser,
}) => {
  const alice = await newPerson("alice");
  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Security");

  const { authenticator, codes } = await test.step("set up: a wrong password, a wrong first code, then on", async () => {
    await page.getByRole("button", { name: "Set up two-factor authentication" }).click();
    await settings.confirm("Continue", { password: "not-her-password-1!" });
    await expect(settings.complaint("This is not your password")).toBeVisible();
    await expect(page.getByLabel("Password", { exact: true })).toBeFocused();
    await page.getByRole("button", { name: "Cancel" }).click();
    const wrong = await settings.scanSecret();
    await page.getByLabel("First code").fill(wrong.oldCode());
    await page.getByRole("button", { name: "Turn on" }).click();
    await expect(settings.complaint("This code is wrong")).toBeVisible();
    await expect(page.getByLabel("First code")).toBeFocused();
    await page.getByRole("button", { name: "Cancel" }).click();
    return settings.setUpAuthenticator();
  });
  await expect(settings.part("Two-factor authentication")).toContainText("On since");
  await expect(settings.part("Two-factor authentication")).toContainText("10 recovery codes are left");

  const elsewhere = alice.at(await (await newBrowser()).newPage());
  await test.step("a sign-in asks for a code; a wrong one is refused", async () => {
    await elsewhere.page.goto("/login");
    await hydrated(elsewhere.page);
    await elsewhere.fillInLogin();
    await elsewhere.page.getByLabel("Code", { exact: true }).fill(authenticator.oldCode());
    await elsewhere.page.getByRole("button", { name: "Continue" }).click();
    await expect(elsewhere.page.getByRole("alert").filter({ hasText: /code is wrong/ })).toBeVisible();
    await elsewhere.page.getByLabel("Code", { exact: true }).fill(await authenticator.code());
    await elsewhere.page.getByRole("button", { name: "Continue" }).click();
    await elsewhere.seesInbox();
  });

  await test.step("a recovery code lets in once", async () => {
    const [code = ""] = codes;
    for (const use of ["first", "second"] as const) {
      const person = alice.at(await (await newBrowser()).newPage());
      await person.page.goto("/login");
      await hydrated(person.page);
      await person.fillInLogin();
      await person.page.getByRole("button", { name: "Use a recovery code instead" }).click();
      // As people type it from paper.
      await person.page.getByLabel("Recovery code", { exact: true }).fill(code.toLowerCase());
      await person.page.getByRole("button", { name: "Continue" }).click();
      if (use === "first") await person.seesInbox();
      else await expect(person.page.getByRole("alert").filter({ hasText: /code is wrong/ })).toBeVisible();
    }
    await settings.open("Security");
    await expect(settings.part("Two-factor authentication")).toContainText("9 recovery codes are left");
  });

  await test.step("new recovery codes take the place of the old ones", async () => {
    await page.getByRole("button", { name: "New recovery codes" }).click();
    await settings.confirm("Make new codes", { code: codes[0] });
    await expect(settings.complaint("This code is wrong")).toBeVisible();
    await expect(page.getByLabel("Code", { exact: true })).toBeFocused();
    await settings.confirm("Make new codes", { code: await authenticator.code() });
    const fresh = await settings.recoveryCodes();
    expect(fresh).not.toContain(codes[1]);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Download" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe("alice-recovery-codes.txt");
    for (const code of fresh) expect((await saved(file)).toString()).toContain(code);
    await page.getByRole("button", { name: "I have kept them" }).click();
    await expect(settings.part("Two-factor authentication")).toContainText("10 recovery codes are left");
  });

  await test.step("turned off, the password alone is enough again, and other sessions have ended", async () => {
    await page.getByRole("button", { name: "Turn off" }).click();
    await page.getByLabel("Password", { exact: true }).fill(alice.password);
    await page.getByRole("button", { name: "Turn off", exact: true }).click();
    await expect(settings.complaint("A code has 6 digits")).toBeVisible();
    await settings.confirm("Turn off", { code: await authenticator.code() });
    await expect(settings.done("Two-factor authentication is off")).toBeVisible();
    await elsewhere.seesLocked();
    await alice.at(await (await newBrowser()).newPage()).logIn();
  });

  await test.step("the server has written down no code and no secret", async () => {
    await nothingLeaked(server, alice.secrets);
  });
});

test("a changed password ends the other session, and the old one opens nothing", async ({ newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  await newPerson("bob");
  await alice.writeTo(["bob"], "Written with the old password");
  await alice.seesAsSent("old password");
  const elsewhere = alice.at(await (await newBrowser()).newPage());
  await elsewhere.logIn();

  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Security");
  await page.getByRole("button", { name: "Change password" }).click();
  await expect(page.getByLabel("New password", { exact: true })).toBeFocused();
  const fill = async (fresh: string, again: string, current: string) => {
    await page.getByLabel("New password", { exact: true }).fill(fresh);
    await page.getByLabel("New password again", { exact: true }).fill(again);
    await settings.confirm("Change password", { label: "Current password", password: current });
  };
  await fill("short1!", "short1!", alice.password);
  await expect(settings.complaint("at least 8 characters")).toBeVisible();
  await fill(NEW_PASSWORD, `${NEW_PASSWORD}x`, alice.password);
  await expect(settings.complaint("different")).toBeVisible();
  await fill(NEW_PASSWORD, NEW_PASSWORD, "not-her-password-1!");
  await expect(settings.complaint("This is not your password")).toBeVisible();
  await expect(page.getByLabel("Current password")).toBeFocused();
  await fill(NEW_PASSWORD, NEW_PASSWORD, alice.password);
  await expect(settings.done("Your new password counts")).toBeVisible();
  await elsewhere.seesLocked();

  await test.step("the old password fails, the new one opens the whole history", async () => {
    await elsewhere.unlocks();
    await expect(elsewhere.page.getByRole("alert").filter({ hasText: "not the password" })).toBeVisible();
    await elsewhere.unlocks(NEW_PASSWORD);
    await elsewhere.seesInbox();
    await elsewhere.openConversationWith("bob");
    await elsewhere.sees("Written with the old password");
  });

  await test.step("the page that changed it goes on, over a reload too", async () => {
    await alice.openInbox();
    await alice.openConversationWith("bob");
    await alice.writes("Still here");
    await alice.seesAsSent("Still here");
  });
});

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
  await expect(alice.page.getByLabel("Lock without use")).toHaveValue("0");
  await alice.page.getByLabel("Lock without use").selectOption("After 15 minutes");
  await settings.open("Account");
  await settings.open("Sessions");
  await expect(alice.page.getByLabel("Lock without use")).toHaveValue("15");
  await alice.page.getByRole("button", { name: "Lock now" }).click();
  await alice.seesLocked();
  await alice.unlocks();
  await expect(alice.page.getByRole("heading", { name: "Sessions", level: 2 })).toBeVisible();
});

test("the recovery key is tested, and made anew", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Security");
  const tries = async (key: string) => {
    await page.getByRole("button", { name: "Test my recovery key" }).click();
    await page.getByLabel("Recovery key", { exact: true }).fill(key);
    await page.getByRole("button", { name: "Test", exact: true }).click();
  };
  for (const [typed, complaint] of [
    [alice.recoveryKey.slice(0, -1), "43 characters instead of 44"],
    [`${alice.recoveryKey.slice(0, 5)}U${alice.recoveryKey.slice(6)}`, "look at group 2"],
    [bob.recoveryKey, "does not open this account"],
  ] as const) {
    await tries(typed);
    await expect(settings.complaint(complaint)).toBeVisible();
    await expect(page.getByLabel("Recovery key", { exact: true })).toBeFocused();
    await page.getByRole("button", { name: "Cancel" }).click();
  }
  await tries(alice.recoveryKey.toLowerCase().replaceAll("-", " "));
  await expect(settings.done("This is your recovery key")).toBeVisible();

  const old = alice.recoveryKey;
  await page.getByRole("button", { name: "Make a new recovery key" }).click();
  await expect(page.getByText("Your old recovery key counts until")).toBeVisible();
  await page.getByRole("button", { name: "Keep the old one" }).click();
  await tries(old);
  await expect(settings.done("This is your recovery key")).toBeVisible();

  await page.getByRole("button", { name: "Make a new recovery key" }).click();
  await alice.keepRecoveryKey();
  expect(alice.recoveryKey).not.toBe(old);
  await settings.confirm("Use the new recovery key");
  await expect(settings.done("Your new recovery key counts")).toBeVisible();
  await tries(old);
  await expect(settings.complaint("an older one")).toBeVisible();
  await page.getByRole("button", { name: "Cancel" }).click();
  await tries(alice.recoveryKey);
  await expect(settings.done("This is your recovery key")).toBeVisible();
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
    await page.getByLabel("Passphrase", { exact: true }).fill(first);
    await page.getByLabel("Passphrase again", { exact: true }).fill(again);
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
  await expect(page.getByLabel("Type your username")).toBeFocused();
  await settings.confirm("Delete for ever");
  await expect(settings.complaint("Type your username, alice")).toBeVisible();
  await page.getByLabel("Type your username").fill("alice");
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

const testWithMail = test.extend<{ office: PostOffice }>({
  office: async ({}, use) => {
    const office = await PostOffice.open();
    await use(office);
    await office.close();
  },
  serverFlags: async ({ office }, use) => {
    const flags = Object.entries(office.environment()).flatMap(([name, value]) => [
      `--${name.toLowerCase().replaceAll("_", "-")}`,
      value,
    ]);
    await use({ flags });
  },
});

testWithMail("an address counts once its mail was read; then it hears of sign-ins", async ({ office, newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Account");
  await expect(settings.part("E-mail")).toContainText("There is no address");
  await page.getByRole("button", { name: "Add an address" }).click();
  await page.getByLabel("New address").fill("alice@");
  await settings.confirm("Send the mail");
  await expect(settings.complaint("This is not an e-mail address")).toBeVisible();
  await page.getByLabel("New address").fill("alice@example.org");
  await settings.confirm("Send the mail");
  await expect(settings.part("E-mail")).toContainText("We sent a mail to alice@example.org");
  await expect(page.getByRole("switch")).toBeHidden();

  const mail = await office.take("alice@example.org", /./);
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
  await office.take("alice@example.org", /sign/i);

  await page.getByRole("button", { name: "Remove address" }).click();
  await settings.confirm("Remove the address");
  await expect(settings.done("Your address is removed")).toBeVisible();
  await expect(settings.part("E-mail")).toContainText("There is no address");
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
  await expect(page.getByLabel("Old password")).toBeFocused();
  await page.getByLabel("Old password").fill("not-her-password-1!");
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(settings.complaint("This was not your password before the reset")).toBeVisible();
  await page.getByLabel("The recovery key that I had before the reset").check();
  await page.getByLabel("Recovery key", { exact: true }).fill(bob.recoveryKey);
  await page.getByRole("button", { name: "Open", exact: true }).click();
  await expect(settings.complaint("does not open this account")).toBeVisible();
  await page.getByLabel("The password that I had before the reset").check();
  await page.getByLabel("Old password").fill(alice.password);
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
  await page.getByLabel("First code").fill(await authenticator.code());
  await page.getByRole("button", { name: "Turn on" }).click();
  await settings.recoveryCodes();
  await isAccessible(page, "the recovery codes");
  await page.getByRole("button", { name: "I have kept them" }).click();
  await isAccessible(page, "two-factor authentication is on");
  await settings.open("Your data");
  await page.getByRole("button", { name: "Save an encrypted file" }).click();
  await isAccessible(page, "an encrypted file");
});

test("the password is changed by keyboard alone", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const { page } = alice;
  await alice.openAccountMenu();
  await tabTo(page, "Settings");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Settings", level: 1 })).toBeVisible();
  await tabTo(page, "Security");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Security", level: 2 })).toBeVisible();
  await tabTo(page, "Change password");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("New password", { exact: true })).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { name: "Password", exact: true })).toBeFocused();
  await tabTo(page, "Change password");
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("New password", { exact: true })).toBeFocused();
  await page.keyboard.type(NEW_PASSWORD);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type(NEW_PASSWORD);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.type(alice.password);
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status").filter({ hasText: "Your new password counts" })).toBeVisible();
  await expect(page.getByRole("heading", { name: "Password", exact: true })).toBeFocused();
});

/** Tabs on until the link or the button of this name has the focus. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 25; presses += 1) {
    const focused = await page.evaluate(() => document.activeElement?.textContent?.trim());
    if (focused === name) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${name} is not reached by the keyboard`);
}

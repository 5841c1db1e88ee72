import type { Page } from "@playwright/test";

import { nothingLeaked } from "../support/canary.ts";
import { saved } from "../support/export.ts";
import { Settings } from "../support/settings.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // Wrong passwords and codes, and sessions that have ended, are answers with a status.
  noise: { expected: [/status of 401/, /net::ERR_INCOMPLETE_CHUNKED_ENCODING/] },
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
    await expect(settings.field("Password")).toBeFocused();
    await page.getByRole("button", { name: "Cancel" }).click();
    const wrong = await settings.scanSecret();
    await settings.field("First code").fill(wrong.oldCode());
    await page.getByRole("button", { name: "Turn on" }).click();
    await expect(settings.complaint("This code is wrong")).toBeVisible();
    await expect(settings.field("First code")).toBeFocused();
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
    await expect(settings.field("Code")).toBeFocused();
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
    await settings.field("Password").fill(alice.password);
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
  await expect(settings.field("New password")).toBeFocused();
  const fill = async (fresh: string, again: string, current: string) => {
    await settings.field("New password").fill(fresh);
    await settings.field("New password again").fill(again);
    await settings.confirm("Change password", { label: "Current password", password: current });
  };
  await fill("short1!", "short1!", alice.password);
  await expect(settings.complaint("at least 8 characters")).toBeVisible();
  await fill(NEW_PASSWORD, `${NEW_PASSWORD}x`, alice.password);
  await expect(settings.complaint("different")).toBeVisible();
  await fill(NEW_PASSWORD, NEW_PASSWORD, "not-her-password-1!");
  await expect(settings.complaint("This is not your password")).toBeVisible();
  await expect(settings.field("Current password")).toBeFocused();
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

test("the recovery key is tested, and made anew", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  const settings = new Settings(alice);
  const { page } = alice;
  await settings.open("Security");
  const tries = async (key: string) => {
    await page.getByRole("button", { name: "Test my recovery key" }).click();
    await settings.field("Recovery key").fill(key);
    await page.getByRole("button", { name: "Test", exact: true }).click();
  };
  for (const [typed, complaint] of [
    [alice.recoveryKey.slice(0, -1), "43 characters instead of 44"],
    [`${alice.recoveryKey.slice(0, 5)}U${alice.recoveryKey.slice(6)}`, "look at group 2"],
    [bob.recoveryKey, "does not open this account"],
  ] as const) {
    await tries(typed);
    await expect(settings.complaint(complaint)).toBeVisible();
    await expect(settings.field("Recovery key")).toBeFocused();
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

test("the password is changed by keyboard alone", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const settings = new Settings(alice);
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
  await expect(settings.field("New password")).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("heading", { name: "Password", exact: true })).toBeFocused();
  await tabTo(page, "Change password");
  await page.keyboard.press("Enter");
  await expect(settings.field("New password")).toBeFocused();
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

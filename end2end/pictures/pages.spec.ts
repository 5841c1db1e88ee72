import type { Page } from "@playwright/test";

import { Person } from "../support/person.ts";
import { Settings } from "../support/settings.ts";
import { expect, hydrated, test } from "../support/story.ts";

const SIZES = [
  { name: "wide", width: 1280, height: 800 },
  { name: "phone", width: 390, height: 844 },
];

async function picture(page: Page, name: string): Promise<void> {
  for (const { name: size, width, height } of SIZES) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.screenshot({ path: `test-results/pictures/${name}-${size}-${colorScheme}.png`, fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
}

test("every page", async ({ server, newBrowser, newPerson }) => {
  const page = await (await newBrowser()).newPage();
  const first = [
    ["/", "landing"],
    ["/login", "login"],
    ["/forgot", "forgot"],
    ["/reset", "reset-token"],
    ["/confirm-email", "confirm-email"],
    ["/nowhere", "not-found"],
  ] as const;
  for (const [path, name] of first) {
    await page.goto(path);
    await hydrated(page);
    await picture(page, name);
  }
  const alice = new Person("alice", page);
  await alice.fillInRegistration();
  await picture(page, "register");
  await alice.submitRegistration();
  await expect(page.getByRole("heading", { name: "Keep your recovery key" })).toBeVisible();
  await picture(page, "recovery-key");
  await alice.keepRecoveryKey();
  await alice.seesInbox();
  await picture(page, "empty-inbox");

  const bob = await newPerson("bob");
  const carol = await newPerson("carol");
  const [toBob, toGroup] = [["bob"], ["bob", "carol"]];
  await alice.writeTo(toGroup, "Dinner at ours on Friday? There will be soup.");
  await carol.openConversationWith("alice and bob");
  await carol.writes("Count me in. I bring bread from the market.");
  await alice.writeTo(toBob, "Did the parcel arrive?");
  await bob.openConversationWith("alice");
  await bob.sees("parcel");
  await bob.writes("This morning, thank you! It was well wrapped.");
  await bob.writes("I put the key back under the third flower pot, the blue one.");
  await alice.sees("flower pot");
  await alice.writes("Perfect. See you on Friday then?");
  await alice.seesAsSent("Perfect");
  await bob.writes("With pleasure!");
  await alice.sees("With pleasure");
  await picture(page, "conversation");
  await page.screenshot({ path: "../docs/screenshot.png" });
  await page.getByRole("button", { name: "Who reads this" }).click();
  await picture(page, "who-reads-this");
  await page.goto("/compose");
  await hydrated(page);
  await page.getByRole("checkbox", { name: "bob" }).check();
  await picture(page, "compose");
  await page.goto("/inbox");
  await hydrated(page);
  await alice.seesInbox();
  await picture(page, "inbox");
  await alice.openAccountMenu();
  await picture(page, "account-menu");
  await page.keyboard.press("Escape");

  await picturesOfSettings(alice);
  await alice.openInbox();

  const elsewhere = await (await newBrowser()).newPage();
  await alice.at(elsewhere).logIn();
  await expect(page.getByText("New sign-in to your account")).toBeVisible();
  await picture(page, "new-sign-in");
  await alice.locks();
  await picture(page, "unlock");

  const asked = await (await newBrowser()).newPage();
  await asked.route("**/fn/session/login", (route) =>
    route.fulfill({ status: 401, json: { code: "second_factor_required", message: "Enter the code of your authenticator" } }),
  );
  await asked.goto("/login");
  await hydrated(asked);
  await alice.at(asked).fillInLogin();
  await expect(asked.getByRole("heading", { name: "Enter your code" })).toBeVisible();
  await picture(asked, "second-step");

  const forgetful = await (await newBrowser()).newPage();
  await forgetful.goto(await server.admin("reset-link", "alice"));
  await hydrated(forgetful);
  await expect(forgetful.getByLabel("Recovery key", { exact: true })).toBeVisible();
  await picture(forgetful, "reset-form");
  await forgetful.getByLabel("I do not have my recovery key").check();
  await picture(forgetful, "reset-anew");
});

/** Each page, and each form that opens on it. */
async function picturesOfSettings(person: Person): Promise<void> {
  const settings = new Settings(person);
  const { page } = person;
  const press = (name: string) => page.getByRole("button", { name, exact: true }).click();
  await settings.open("Account");
  await picture(page, "settings-account");
  await press("Delete my account");
  await settings.confirm("Delete for ever");
  await picture(page, "settings-delete");
  await settings.open("Sessions");
  await picture(page, "settings-sessions");
  await settings.open("Your data");
  await press("Save an encrypted file");
  await picture(page, "settings-data");
  await settings.open("Security");
  await picture(page, "settings-security");
  await press("Change password");
  await picture(page, "settings-password");
  await press("Cancel");
  await press("Test my recovery key");
  await picture(page, "settings-test-key");
  await press("Cancel");
  await press("Make a new recovery key");
  await picture(page, "settings-new-key");
  await press("Keep the old one");
  const authenticator = await settings.scanSecret();
  await picture(page, "settings-authenticator");
  await page.getByLabel("First code").fill(await authenticator.code());
  await press("Turn on");
  await settings.recoveryCodes();
  await picture(page, "settings-recovery-codes");
  await press("I have kept them");
  await press("Turn off");
  await picture(page, "settings-turn-off");
  await settings.confirm("Turn off", { code: await authenticator.code() });
  await settings.done("is off").waitFor();
}

test.use({ noise: { expected: [/status of 404/, /status of 401/] } });

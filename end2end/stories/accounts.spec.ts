import { Person } from "../support/person.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({
  // A refused sign-in and a taken name are answers with a status, which the browser also notes in its console.
  noise: { expected: [/status of 401/, /status of 409/, /status of 429/] },
});

test("registration says what is wrong before anything is sent", async ({ newBrowser, newPerson }) => {
  await newPerson("alice");
  const page = await (await newBrowser()).newPage();
  const sent: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/fn/account/register")) sent.push(request.url());
  });
  const mallory = new Person("al", page);
  const error = page.getByRole("alert");

  await mallory.fillInRegistration();
  await mallory.submitRegistration();
  await expect(error.filter({ hasText: "3 to 32 characters" })).toBeVisible();

  const tries: [string, string][] = [
    ["short1!", "at least 8 characters"],
    ["12345678!", "at least one letter"],
    ["abcdefgh!x", "at least one number"],
    ["abcdefgh1x", "at least one special character"],
    ["Password1!", "too easy to guess"],
    ["Mallory-99!", "too easy to guess"],
  ];
  await page.getByLabel("Username", { exact: true }).fill("mallory");
  for (const [password, complaint] of tries) {
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByLabel("Password again", { exact: true }).fill(password);
    await mallory.submitRegistration();
    await expect(error.filter({ hasText: complaint })).toBeVisible();
  }

  await page.getByLabel("Password", { exact: true }).fill(mallory.password);
  await page.getByLabel("Password again", { exact: true }).fill("something-else-1!");
  await mallory.submitRegistration();
  await expect(error.filter({ hasText: "different" })).toBeVisible();
  expect(sent).toEqual([]);

  await page.getByLabel("Password again", { exact: true }).fill(mallory.password);
  await page.getByLabel("Username", { exact: true }).fill("Alice");
  await mallory.submitRegistration();
  await expect(error.filter({ hasText: "taken" })).toBeVisible({ timeout: 20_000 });
});

test("the recovery key cannot be skipped, and a typing error is noticed", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  const alice = new Person("alice", page);
  await alice.fillInRegistration();
  await alice.submitRegistration();
  await expect(page.getByRole("heading", { name: "Keep your recovery key" })).toBeVisible({ timeout: 20_000 });
  for (const field of await page.getByLabel(/^Group \d+$/).all()) await field.fill("AAAA");
  await page.getByRole("button", { name: "Continue to your inbox" }).click();
  await expect(page.getByRole("alert").filter({ hasText: "different" })).toBeVisible();

  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download" }).click();
  expect((await download).suggestedFilename()).toBe("alice-recovery-key.txt");

  await alice.keepRecoveryKey();
  await alice.seesInbox();
});

test("a wrong password and an unknown name get the same answer", async ({ newBrowser, newPerson }) => {
  const alice = await newPerson("alice");
  const page = await (await newBrowser()).newPage();
  await page.goto("/login");
  await hydrated(page);
  const complaints: string[] = [];
  for (const [name, password] of [
    ["alice", "not-her-password-1!"],
    ["nobody-here", "not-her-password-1!"],
  ]) {
    await page.getByLabel("Username", { exact: true }).fill(name ?? "");
    await page.getByLabel("Password", { exact: true }).fill(password ?? "");
    const answered = page.waitForResponse("**/fn/session/login");
    await page.getByRole("button", { name: "Sign in" }).click();
    expect((await answered).status()).toBe(401);
    await expect(page.getByRole("alert").filter({ hasText: /./ })).toBeVisible();
    complaints.push(await page.getByRole("alert").filter({ hasText: /./ }).innerText());
  }
  expect(complaints[0]).toBe(complaints[1]);

  await alice.at(page).logIn();
});

test("where a code is asked for, the password is not typed again, and one may go back", async ({ newBrowser, newPerson }) => {
  const alice = await newPerson("alice");
  const page = await (await newBrowser()).newPage();
  const elsewhere = alice.at(page);
  // A server that asks for the code 000042, which this account does not have: so it goes on without it.
  await page.route("**/fn/session/login", async (route) => {
    const { code, ...login } = route.request().postDataJSON() as { code?: string };
    const refuse = (code: string, message: string) => route.fulfill({ status: 401, json: { code, message } });
    if (!code) return refuse("second_factor_required", "Enter the code of your authenticator");
    if (code !== "000042") return refuse("wrong_code", "Invalid TOTP token");
    return route.continue({ postData: JSON.stringify(login) });
  });
  await page.goto("/login");
  await hydrated(page);
  await elsewhere.fillInLogin();
  await expect(page.getByRole("heading", { name: "Enter your code" })).toBeVisible();
  const field = page.getByLabel("Code", { exact: true });
  await expect(field).toBeFocused();
  await expect(field).toHaveAttribute("autocomplete", "one-time-code");
  await expect(field).toHaveAttribute("inputmode", "numeric");

  await page.getByRole("button", { name: "Back" }).click();
  await elsewhere.fillInLogin();
  for (const [typed, complaint] of [
    ["12345", "A code has 6 digits"],
    ["123456", "This code is wrong or was used already"],
  ] as const) {
    await field.fill(typed);
    await page.getByRole("button", { name: "Continue" }).click();
    await expect(page.getByRole("alert").filter({ hasText: complaint })).toBeVisible();
    await expect(field).toBeFocused();
  }
  await page.getByRole("button", { name: "Use a recovery code instead" }).click();
  await expect(page.getByLabel("Recovery code", { exact: true })).toHaveAttribute("inputmode", "text");
  await page.getByRole("button", { name: "Use the authenticator instead" }).click();
  await field.fill("000 042");
  await page.getByRole("button", { name: "Continue" }).click();
  await elsewhere.seesInbox();
});

import { isAccessible, isValid } from "../support/accessible.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({ noise: { expected: [/status of 404/, /TrustedHTML/, /require-trusted-types-for/] } });

const PUBLIC = ["/", "/register", "/login", "/forgot", "/reset", "/confirm-email", "/nowhere"];

test("public pages are rendered by the server, valid, and come alive without a complaint", async ({
  server,
  newBrowser,
}) => {
  const page = await (await newBrowser()).newPage();
  for (const path of PUBLIC) {
    await isValid(server.url + path);
    await page.goto(path);
    await hydrated(page);
    await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
    await isAccessible(page, path);
  }
});

test("the signed-in pages are accessible, by day and by night, on a phone and on a desk", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  await isAccessible(bob.page, "an empty inbox");
  await alice.writeTo(["bob"], "A message to look at");
  await alice.seesAsSent("A message to look at");
  await isAccessible(alice.page, "a conversation");
  await alice.page.getByRole("button", { name: "Who reads this" }).click();
  await isAccessible(alice.page, "who reads this");
  await alice.page.setViewportSize({ width: 1280, height: 800 });
  await alice.page.goto("/compose");
  await hydrated(alice.page);
  await expect(alice.page.getByRole("checkbox", { name: "bob" })).toBeVisible();
  await isAccessible(alice.page, "a new message");
});

test("the pages of somebody who has to prove who they are are accessible", async ({ server, newPerson, newBrowser }) => {
  const alice = await newPerson("alice");
  await alice.openAccountMenu();
  await isAccessible(alice.page, "the account menu");
  await alice.page.keyboard.press("Escape");
  await alice.locks();
  await isAccessible(alice.page, "a locked page");

  const page = await (await newBrowser()).newPage();
  await page.goto("/forgot");
  await hydrated(page);
  await expect(page.getByText("Nothing was sent")).toBeVisible();
  await isAccessible(page, "forgot, without mail");
  await page.goto(await server.admin("reset-link", "alice"));
  await hydrated(page);
  await expect(page.getByLabel("Recovery key", { exact: true })).toBeVisible();
  await isAccessible(page, "reset with the recovery key");
  await page.getByLabel("I do not have my recovery key").check();
  await isAccessible(page, "reset without the recovery key");
});

test("no text becomes markup that could run, load or lead elsewhere", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  await page.goto("/");
  await hydrated(page);
  const passes = (markup: string) =>
    page.evaluate((markup) => {
      try {
        document.createElement("div").innerHTML = markup;
        return true;
      } catch {
        return false;
      }
    }, markup);
  for (const still of ['<p class="a">text</p>', '<a class="b" href="/login">in</a>', "<br>"]) {
    expect(await passes(still), still).toBe(true);
  }
  for (const alive of [
    "<img src=x onerror=alert(1)>",
    '<img SRC="x" ONERROR="alert(1)">',
    "<SCRIPT>alert(1)</SCRIPT>",
    '<iframe srcdoc="x"></iframe>',
    '<a href="javascript:alert(1)">x</a>',
    '<a HREF="https://evil.example">x</a>',
    '<a href="//evil.example">x</a>',
    '<a href="/\\evil.example">x</a>',
    '<p style="color:red">x</p>',
    '<form action="/x"></form>',
  ]) {
    expect(await passes(alive), alive).toBe(false);
  }
});

test("the main job by keyboard alone", async ({ newPerson }) => {
  const alice = await newPerson("alice");
  const bob = await newPerson("bob");
  const { page } = alice;
  await page.getByRole("link", { name: "New message" }).first().focus();
  await page.keyboard.press("Enter");
  await expect(page.getByLabel("Find people")).toBeFocused();
  await page.keyboard.type("bob");
  await expect(page.getByRole("checkbox", { name: "bob" })).toBeVisible();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("button", { name: "Remove bob" })).toBeVisible();
  for (let presses = 0; presses < 12; presses += 1) {
    if (await page.getByLabel("First message").evaluate((field) => field === document.activeElement)) break;
    await page.keyboard.press("Tab");
  }
  await expect(page.getByLabel("First message")).toBeFocused();
  await page.keyboard.type("By keyboard alone");
  await page.keyboard.press("Enter");
  await expect(alice.composer()).toBeFocused();
  await page.keyboard.type("first line");
  await page.keyboard.press("Shift+Enter");
  await page.keyboard.type("second line");
  await page.keyboard.press("Enter");
  await bob.openConversationWith("alice");
  await bob.sees("second line");
  expect(await bob.texts()).toEqual(["By keyboard alone", "first line\nsecond line"]);
});

import type { ParsedMail } from "mailparser";

import { nothingLeaked } from "../support/canary.ts";
import { PostOffice } from "../support/mail.ts";
import { Person } from "../support/person.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.use({ mail: "expected", noise: { expected: [/status of 400/, /status of 401/, /ERR_CONNECTION_REFUSED/] } });

const NEW_PASSWORD = "Second-Lantern-58!";

test("a mail lets somebody in again, and with the recovery key nothing is lost", async ({ server, post, newBrowser, newPerson }) => {
  const bob = await newPerson("bob");
  const alice = new Person("alice", await (await newBrowser()).newPage());
  alice.email = "alice@example.org";
  await alice.register();
  await alice.writeTo(["bob"], "Written before I forgot");
  await alice.seesAsSent("before I forgot");
  await bob.openConversationWith("alice");
  await bob.writes("I remember it for both of us");
  await alice.sees("for both of us");
  await alice.logOut();

  const { page } = alice;
  await asksForMail(alice, "Alice@Example.ORG");
  const mail = await post.take("Alice@Example.ORG", /Reset your password/);
  const { link, token } = linkIn(mail, server.url, "reset");
  expect(mail.text).toContain("Hello alice");
  expect(mail.headers.get("auto-submitted")).toBe("auto-generated");

  await test.step("a newer mail kills the older one", async () => {
    await asksForMail(alice, "alice@example.org");
    const newer = await post.take("alice@example.org", /Reset your password/);
    await page.goto(link);
    await expect(page.getByRole("alert").filter({ hasText: "not valid any more" })).toBeVisible();
    const second = linkIn(newer, server.url, "reset");
    alice.secrets.set("the second reset token", second.token);
    await page.goto(second.link);
    await hydrated(page);
  });
  await page.getByLabel("Recovery key", { exact: true }).fill(alice.recoveryKey);
  await alice.setsNewPassword(NEW_PASSWORD);
  await expect(page.getByRole("heading", { name: "Your new password is set" })).toBeVisible({ timeout: 20_000 });
  const notice = await post.take("alice@example.org", /password was reset/);
  expect(unwrapped(notice)).toContain("What was written stays readable");
  expect(notice.text).not.toContain("token");

  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  const again = alice.withPassword(NEW_PASSWORD);
  await again.fillInLogin();
  await again.seesInbox();
  await again.openConversationWith("bob");
  await again.sees("before I forgot");
  await again.sees("for both of us");
  expect(unwrapped(await post.take("alice@example.org", /new sign-in/))).toContain("If this was you");
  await expect(bob.page.getByText("The security key of alice has changed.")).toBeHidden();

  await test.step("the server has written down no token, password or recovery key", async () => {
    again.secrets.set("the reset token", token);
    again.secrets.set("the new password", NEW_PASSWORD);
    for (const [name, secret] of alice.secrets) again.secrets.set(name, secret);
    await nothingLeaked(server, again.secrets);
    await server.stop();
    await nothingLeaked(server, again.secrets);
  });
});

test("a mail alone begins anew, and the old password opens in the settings what was written", async ({
  server,
  post,
  newBrowser,
  newPerson,
}) => {
  const bob = await newPerson("bob");
  const alice = new Person("alice", await (await newBrowser()).newPage());
  alice.email = "alice@example.org";
  await alice.register();
  await alice.writeTo(["bob"], "From the time before");
  await alice.seesAsSent("time before");
  await bob.openConversationWith("alice");
  await bob.sees("time before");

  const elsewhere = alice.at(await (await newBrowser()).newPage());
  const { page } = elsewhere;
  await asksForMail(elsewhere, "alice@example.org");
  const { link } = linkIn(await post.take("alice@example.org", /Reset your password/), server.url, "reset");
  await page.goto(link);
  await hydrated(page);
  await page.getByLabel("I do not have my recovery key").check();
  await elsewhere.setsNewPassword(NEW_PASSWORD);
  await elsewhere.keepRecoveryKey();
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  const again = elsewhere.withPassword(NEW_PASSWORD);
  await again.fillInLogin();
  await again.seesInbox();
  await alice.seesLocked();

  await page.getByRole("link", { name: "Open them in Settings" }).click();
  await again.opensSealedMessages(alice.password);
  await page.goto("/inbox");
  await hydrated(page);
  await again.openConversationWith("bob");
  await again.sees("time before");
});

test("an address that nobody has gets no mail, and the answer does not tell", async ({ post, newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  const stranger = new Person("stranger", page);
  await asksForMail(stranger, "nobody@example.org");
  const alice = new Person("alice", await (await newBrowser()).newPage());
  alice.email = "alice@example.org";
  await alice.register();
  await asksForMail(stranger, "alice@example.org");
  await post.take("alice@example.org", /Reset your password/);
  expect(post.mails.filter((mail) => mail.to.includes("nobody@example.org"))).toEqual([]);
});

test("while the mail server is down everything else works, and the mail comes when it is back", async ({
  server,
  mailPort,
  newBrowser,
}) => {
  const alice = new Person("alice", await (await newBrowser()).newPage());
  alice.email = "alice@example.org";
  await alice.register();
  await alice.logOut();
  await asksForMail(alice, "alice@example.org");
  await expect.poll(() => server.log, { message: "the operator is told why" }).toMatch(/mail.*127\.0\.0\.1/i);
  await alice.logIn();
  const post = await PostOffice.open(mailPort);
  try {
    await post.take("alice@example.org", /Reset your password/);
  } finally {
    await post.close();
  }
});

test.describe("where the connection must be secured", () => {
  test.use({ mail: "secured" });

  test("a mail server with a bad certificate gets no mail, and the operator is told why", async ({
    server,
    mailPort,
    newBrowser,
  }) => {
    const post = await PostOffice.open(mailPort, "a bad certificate");
    try {
      const alice = new Person("alice", await (await newBrowser()).newPage());
      alice.email = "alice@example.org";
      await alice.register();
      await alice.logOut();
      await asksForMail(alice, "alice@example.org");
      await expect.poll(() => server.log, { message: "the operator is told why" }).toMatch(/certificate/i);
      await alice.logIn();
      expect(post.mails).toEqual([]);
    } finally {
      await post.close();
    }
  });
});

async function asksForMail(person: Person, address: string): Promise<void> {
  const { page } = person;
  await page.goto("/forgot");
  await hydrated(page);
  await page.getByLabel("E-mail").fill(address);
  await page.getByRole("button", { name: "Send the mail" }).click();
  await expect(page.getByText(`If an account has the address ${address}, a mail with a link is on its way.`)).toBeVisible();
}

/** The text as one line: where mail breaks lines says nothing. */
function unwrapped(mail: ParsedMail): string {
  return (mail.text ?? "").replaceAll(/\s+/g, " ");
}

/** The link, which both parts of the mail have, and the token in it, which stands there by itself too. */
function linkIn(mail: ParsedMail, base: string, page: string): { link: string; token: string } {
  const text = mail.text ?? "";
  const found = text.match(/(http\S+#token=([A-Za-z0-9_-]{43}))/);
  if (!found?.[1] || !found[2]) throw new Error(`There is no link in: ${text}`);
  const [, link, token] = found;
  expect(link).toBe(`${base}/${page}#token=${token}`);
  expect(text.split(token), "the token also stands by itself").toHaveLength(3);
  expect(mail.html).toContain(`href="${link}"`);
  return { link, token };
}

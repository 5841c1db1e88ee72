import { Person } from "../support/person.ts";
import { expect, hydrated, test } from "../support/story.ts";

test.describe("where registration is closed", () => {
  test.use({ serverFlags: { flags: ["--registration", "closed"] } });

  test("the page says so and asks for nothing", async ({ newBrowser }) => {
    const page = await (await newBrowser()).newPage();
    await page.goto("/register");
    await hydrated(page);
    await expect(page.getByText("This server takes no new accounts at the moment.")).toBeVisible();
    await expect(page.getByLabel("Username", { exact: true })).toBeHidden();
    await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  });
});

test.describe("where an account takes an invitation", () => {
  test.use({
    serverFlags: { flags: ["--registration", "invite"] },
    noise: { expected: [/status of 403/] },
  });

  test("a link brings it, a field takes it, and without one nothing is sent", async ({ server, newBrowser }) => {
    const page = await (await newBrowser()).newPage();
    const sent: string[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/fn/account/register")) sent.push(request.url());
    });
    const alice = new Person("alice", page);
    const field = page.getByLabel("Invitation");

    await alice.fillInRegistration();
    await expect(field).toBeVisible();
    await alice.submitRegistration();
    await expect(page.getByRole("alert").filter({ hasText: "takes an invitation" })).toBeVisible();
    await expect(field).toBeFocused();
    await field.fill("half-of-an-invitation");
    await alice.submitRegistration();
    await expect(page.getByRole("alert").filter({ hasText: "This is not an invitation" })).toBeVisible();
    expect(sent).toEqual([]);

    await field.fill("A".repeat(43));
    await alice.submitRegistration();
    await expect(page.getByRole("alert").filter({ hasText: "invitation is used up or over" })).toBeVisible({ timeout: 20_000 });
    await expect(field).toBeFocused();

    const link = await server.admin("invite", "create");
    await page.goto("/");
    await alice.fillInRegistration(link);
    await expect(field).toHaveValue(/^[\w-]{43}$/);
    // A form that is refused keeps the invitation, and so does a reload.
    await page.getByLabel("Password again", { exact: true }).fill("something-else-1!");
    await alice.submitRegistration();
    await expect(page.getByRole("alert").filter({ hasText: "different" })).toBeVisible();
    await expect(field).toHaveValue(/^[\w-]{43}$/);
    await page.reload();
    await alice.fillInRegistration(page.url());
    await expect(field).toHaveValue(/^[\w-]{43}$/);
    await alice.submitRegistration();
    await alice.keepRecoveryKey();
    await alice.seesInbox();
  });
});

test("an address that is none is noticed, one that is none of the form's business stays out", async ({ newBrowser }) => {
  const page = await (await newBrowser()).newPage();
  const alice = new Person("alice", page);
  await alice.fillInRegistration();
  await expect(page.getByLabel("Invitation")).toBeHidden();
  await page.getByLabel("E-mail").fill("alice(at)example.org");
  await alice.submitRegistration();
  await expect(page.getByRole("alert").filter({ hasText: "This is not an e-mail address" })).toBeVisible();
  await expect(page.getByLabel("E-mail")).toBeFocused();
  await page.getByLabel("E-mail").fill("alice@example.org");
  await alice.submitRegistration();
  await alice.keepRecoveryKey();
  await alice.seesInbox();
});

import { Program } from "../support/program.ts";
import { expect, test } from "../support/story.ts";
import { Terminal } from "../support/terminal.ts";

test("browser, REST API and two terminals talk to each other, on one account and on several", async ({ server, newPerson }) => {
  const alice = await newPerson("alice");
  const program = await Program.registers(server.url, "bob");
  const [bobs, carols] = [await Terminal.open(server.url), await Terminal.open(server.url)];
  await bobs.run("login", "bob");
  await carols.run("register", "carol");
  await carols.run("login", "carol");

  await test.step("what comes from the browser is read by the program and at the terminal of the same account", async () => {
    await alice.writeTo(["bob"], "From the browser");
    await expect.poll(() => program.inbox()).toEqual(["alice: From the browser"]);
    expect(await bobs.inbox()).toEqual(["alice: From the browser"]);
  });

  await test.step("both answer in the same conversation", async () => {
    await program.says("alice", "From the program");
    await alice.sees("From the program");
    await bobs.run("send", "alice", "--message", "From the terminal");
    await alice.sees("From the terminal");
  });

  await test.step("a terminal writes to a group of all others", async () => {
    await carols.run("send", "alice", "bob", "--message", "To everyone");
    await expect.poll(() => program.inbox()).toContain("carol: To everyone");
    expect(await bobs.inbox()).toContain("carol: To everyone");
    await alice.page.goto(`${server.url}/inbox`);
    await expect(alice.page.getByText("To everyone").first()).toBeVisible();
  });

  await test.step("two terminals write to each other", async () => {
    await bobs.run("send", "carol", "--message", "Terminal to terminal");
    expect(await carols.inbox()).toContain("bob: Terminal to terminal");
  });

  const written = await server.everythingWritten();
  for (const text of ["From the browser", "From the program", "From the terminal", "To everyone", "Terminal to terminal", Program.password]) {
    for (const [where, bytes] of written) expect(bytes.includes(text), `${text} in ${where}`).toBe(false);
  }
  await Promise.all([bobs.close(), carols.close()]);
});

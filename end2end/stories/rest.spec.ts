import { execFile } from "node:child_process";
import { promisify } from "node:util";

import { Program } from "../support/program.ts";
import { expect, test } from "../support/story.ts";

test.use({ mail: "expected" });

/** So many examples for each operation: a minute of them. */
const EXAMPLES = 8;

test("the REST API is what its description says, whatever it is sent", async ({ server }) => {
  test.setTimeout(400_000);
  const schemathesis = process.env.SCHEMATHESIS;
  expect(schemathesis, "Set SCHEMATHESIS, or run `cargo xtask test`").toBeTruthy();
  const alice = await Program.registers(server.url, "alice");
  await Program.registers(server.url, "bob");
  // Whether every valid request is taken is not asked: that a name is somebody's cannot be said in a description.
  const checks = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
  ];
  const run = promisify(execFile)(
    schemathesis!,
    ["--config-file", "schemathesis.toml", "run", `${server.url}/api/openapi.json`]
      .concat(["--header", `Authorization: Bearer ${alice.token}`])
      .concat(["--checks", checks.join(","), "--phases", "examples,coverage,fuzzing"])
      .concat(["--max-examples", String(EXAMPLES), "--seed", "1", "--generation-database", "none"])
      .concat(["--request-timeout", "30", "--continue-on-failure"]),
    { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: "1" } },
  );
  const { code, output } = await run.then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (failed) => ({ code: failed.code, output: String(failed.stdout) + String(failed.stderr) }),
  );
  expect(code, output.slice(-20_000)).toBe(0);
  const [, generated] = /(\d+) generated/.exec(output) ?? [];
  expect(Number(generated), output.slice(-2_000)).toBeGreaterThan(300);
  expect(server.log).not.toContain("panicked");
  // The session has outlived it all.
  expect((await alice.get("/api/me")).username).toBe("alice");
});

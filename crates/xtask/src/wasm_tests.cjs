// Drives one test module in Node. `tests.json` beside this file lists the exports that are tests.
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const original = { log: console.log, error: console.error };
// What a test prints is kept by the module, and shown when the test fails.
global.__wbgtest_og_console_log = original.log;
global.__wbgtest_og_console_error = original.error;
global.__wbg_test_invoke = (test) => test();
const kept = {};
for (const level of ["debug", "log", "info", "warn", "error"]) {
  console[level] = (...words) => kept[level]?.(words);
}

const module_ = require("./tests.js");
const tests = JSON.parse(readFileSync(join(__dirname, "tests.json"), "utf8"));

async function main() {
  const context = new module_.WasmBindgenTestContext(false);
  for (const level of ["debug", "log", "info", "warn", "error"]) {
    kept[level] = module_[`__wbgtest_console_${level}`];
  }
  context.include_ignored(false);
  context.filtered_count(0);
  return await context.run(tests.map((name) => module_.__wasm[name]));
}

main().then(
  (passed) => process.exit(passed ? 0 : 1),
  (error) => {
    original.error(error);
    process.exit(1);
  },
);

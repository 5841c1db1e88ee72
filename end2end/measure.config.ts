import base from "./playwright.config.ts";

/**
 * `npm run measure`: how quick the application is in a real browser, against a real server on this machine.
 * The figures are printed; nothing fails because of them.
 */
export default { ...base, testDir: "measure", outputDir: "test-results/measure", timeout: 300_000 };

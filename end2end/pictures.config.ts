import base from "./playwright.config.ts";

/** `npm run pictures`: takes a picture of every page, wide and narrow, by day and by night, into test-results/pictures. */
export default { ...base, testDir: "pictures", outputDir: "test-results/pictures-run" };

import { AxeBuilder } from "@axe-core/playwright";
import { type Page, expect } from "@playwright/test";
import { HtmlValidate } from "html-validate";

const STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

const validator = new HtmlValidate({
  extends: ["html-validate:standard"],
  // Leptos writes attributes and void elements in its own style; these rules are about taste, not validity.
  rules: { "void-style": "off", "no-trailing-whitespace": "off", "attribute-boolean-style": "off", "attr-quotes": "off", "doctype-style": "off", "long-title": "off", "no-implicit-button-type": "error", "require-sri": "off", "attribute-empty-style": "off" },
});

/** No violation by day and by night, from the smallest phone to a desk, and nothing that makes the page scroll sideways. */
export async function isAccessible(page: Page, where: string): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const width of [320, 360, 768, 1440]) {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await page.setViewportSize({ width, height: 800 });
      const { violations } = await new AxeBuilder({ page }).withTags(STANDARDS).analyze();
      const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
      expect(found, `${where}, ${colorScheme}, ${width} px`).toEqual([]);
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      expect(overflow, `${where} at ${width} px does not scroll sideways`).toBe(false);
    }
  }
}

/** What the server sends for this address is valid HTML, and has its heading before any script runs. */
export async function isValid(url: string): Promise<void> {
  const html = await (await fetch(url)).text();
  expect(html, `${url} has its heading before any script runs`).toMatch(/<h1/);
  // Leptos marks places with `<!>`, which HTML reads as an empty comment; the validator only knows the long form.
  const report = await validator.validateString(html.replaceAll("<!>", "<!---->"), url);
  const errors = report.results.flatMap((result) => result.messages.map((m) => `${m.ruleId}: ${m.message} (${m.line}:${m.column})`));
  expect(errors, `${url} is valid HTML`).toEqual([]);
}

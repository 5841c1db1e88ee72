import { execFileSync } from "node:child_process";

const STEP_S = 30;

/** What a phone computes from the secret that it was shown: here the OATH Toolkit, which is by other people. */
export class Authenticator {
  private readonly secret: string;
  private used = 0;

  constructor(secret: string) {
    this.secret = secret.replaceAll(" ", "");
  }

  /**
   * A code that was not given before: a server takes none twice. The next step's code is taken already, so that a story
   * seldom has to wait.
   */
  async code(): Promise<string> {
    const step = Math.max(this.used + 1, currentStep());
    while (step > currentStep() + 1) await new Promise((wake) => setTimeout(wake, 200));
    this.used = step;
    return this.codeAt(step);
  }

  /** A code of a step that is long over. */
  oldCode(): string {
    return this.codeAt(currentStep() - 10);
  }

  private codeAt(step: number): string {
    const words = ["--totp", "--base32", `--now=@${step * STEP_S}`, this.secret];
    return execFileSync("oathtool", words, { encoding: "utf8" }).trim();
  }
}

function currentStep(): number {
  return Math.floor(Date.now() / 1000 / STEP_S);
}

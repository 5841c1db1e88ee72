/** Prints a line of the table: the median, and from the least to the most. */
export function report(what: string, figures: number[], unit = "ms"): void {
  const sorted = [...figures].sort((one, other) => one - other);
  const [least, middle, most] = [0, Math.floor(sorted.length / 2), sorted.length - 1].map((at) => sorted[at] ?? NaN);
  const text = (figure: number | undefined) => (figure ?? NaN).toFixed(1);
  console.log(`${what.padEnd(62)}${text(middle).padStart(9)} ${unit}  (${text(least)} – ${text(most)}, ${figures.length} times)`);
}

/** How long it takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

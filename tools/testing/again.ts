// A second attempt for what a late machine can have made fail.
import type { Counts } from "./junit.ts";

/** More failing files than that are no chance. */
const AGAIN_MAX = 3;

/**
 * Runs failed files once more when everything else is over, if `canBeLate` says that a machine can make them fail.
 * Enters the second outcome in `counts`, and returns the files that passed then: whoever reports names them.
 */
export async function runAgain(
  counts: Map<string, Counts>,
  canBeLate: (file: string) => boolean,
  run: (file: string) => Promise<Counts>,
): Promise<string[]> {
  const failed = [...counts].flatMap(([file, { failed: failures }]) => (failures > 0 ? [file] : []));
  if (failed.length > AGAIN_MAX) return [];
  const passed: string[] = [];
  for (const file of failed.filter(canBeLate)) {
    console.log(`again ${file}: the first attempt failed, see above`);
    const second = await run(file);
    counts.set(file, second);
    if (second.failed === 0) passed.push(file);
  }
  return passed;
}

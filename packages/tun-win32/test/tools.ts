// Programs that a level of proof needs.
import { existsSync } from "node:fs";

const WINE_PLACES = ["/usr/lib/wine/wine64"];

/** Where Wine is; undefined: this machine has none. */
export function findWine(): string | undefined {
  return Bun.which("wine64") ?? WINE_PLACES.find((place) => existsSync(place));
}

/**
 * Whether this machine has a program. Where it could have it, because the suite's own script installs it here, its
 * absence is a failure; elsewhere it is said in one line.
 * @throws Error that says how to get it
 */
export function mustHave(program: string): boolean {
  const isThere = program === "wine64" ? findWine() !== undefined : Bun.which(program) !== null;
  if (isThere) return true;
  const canInstall = process.platform === "linux" && process.arch === "x64" && process.getuid?.() === 0;
  if (canInstall && Bun.which("apt-get") !== null) {
    throw new Error(`${program}: expected it installed; "sh tools/run.sh test" does it`);
  }
  console.log(`left out: this machine has no ${program}`);
  return false;
}

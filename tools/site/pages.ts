// The pages of docs/ for a browser.
import { cpSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

const HERE = import.meta.dirname;
const DOCS = resolve(HERE, "../../docs");
/** Below this folder, whose packages the pages need. */
const PAGES = join(HERE, "build/docs");

/** Builds them into `destination`; its word is the status of the program that does it. */
export function buildPages(destination: string, quiet = false): number {
  rmSync(PAGES, { recursive: true, force: true });
  cpSync(DOCS, PAGES, { recursive: true });
  const program = join(HERE, "node_modules/.bin/vitepress");
  const { exitCode } = Bun.spawnSync([process.execPath, "--bun", program, "build", ".", "--outDir", destination], {
    cwd: HERE,
    stdio: ["ignore", quiet ? "ignore" : "inherit", "inherit"],
  });
  return exitCode;
}

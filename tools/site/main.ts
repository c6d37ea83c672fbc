// `bun run docs:site [folder]`: the documentation as pages for a browser, by default in build/site: what lies in docs/,
// and the reference of every exported symbol under api/.
import { cpSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildPages } from "./pages.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const REFERENCE = join(ROOT, "build/api");

const [folder = join(ROOT, "build/site")] = process.argv.slice(2);
process.exitCode = buildSite(resolve(folder));

function buildSite(destination: string): number {
  const pages = buildPages(destination);
  if (pages !== 0) return pages;
  rmSync(REFERENCE, { recursive: true, force: true });
  const command = [process.execPath, "tools/api-reference/main.ts"];
  const reference = Bun.spawnSync(command, { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] }).exitCode;
  if (reference !== 0) return reference;
  cpSync(REFERENCE, join(destination, "api"), { recursive: true });
  console.log(join(destination, "index.html"));
  return 0;
}

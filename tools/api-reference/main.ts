// `bun run docs:api`: writes the reference of all packages that programs import to build/api, as pages for a browser.
import { dirname, join } from "node:path";
import { readReference, writeReference } from "./reference.ts";

const root = dirname(dirname(import.meta.dirname));
const folder = join(root, "build", "api");

const reference = await readReference(root);
const { modules, symbols } = await writeReference(reference, folder);
for (const finding of reference.findings) console.log(finding);
console.log(`${join("build", "api", "index.html")}: ${symbols} symbols of ${modules} modules`);
if (reference.findings.length > 0) process.exitCode = 1;

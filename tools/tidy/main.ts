// `bun tools/tidy/main.ts`: prints every finding; exit code 1 when there is one.
import { dirname } from "node:path";
import { rules, show } from "./rules.ts";
import { readTree } from "./tree.ts";

const tree = readTree(dirname(dirname(import.meta.dirname)));
for (const [name, rule] of rules) {
  for (const finding of rule(tree)) {
    console.log(`${name}: ${show(finding)}`);
    process.exitCode = 1;
  }
}

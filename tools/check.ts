// `run.sh check`: types, lint, format and tidy, without the tests.
import { dirname } from "node:path";
import { runCheck, sourceChecks, tidy } from "./testing/checks.ts";

const root = dirname(import.meta.dirname);
for (const check of [...sourceChecks, tidy]) {
  if (!(await runCheck(root, check))) process.exitCode = 1;
}

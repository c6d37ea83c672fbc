// What a failing run of `bun test` said of each failure, without all that passed around it.

const FAILED_TEST = /^\(fail\) /u;
const OTHER_TEST = /^\((?:pass|skip|todo)\) /u;
/** Of one failure; its message and its stack stand just before the line that names it. */
const LINES_MAX = 40;
/** Of a file that ended without naming a failing test. */
const LAST_LINES = 20;

/** The lines of `output` that tell of failing tests; the last lines when no test is named in it as failing. */
export function failures(output: string): string {
  const lines = output.trimEnd().split("\n");
  const kept: string[] = [];
  let begin = 0;
  for (const [place, line] of lines.entries()) {
    if (FAILED_TEST.test(line)) kept.push(...lines.slice(Math.max(begin, place - LINES_MAX), place + 1));
    if (FAILED_TEST.test(line) || OTHER_TEST.test(line)) begin = place + 1;
  }
  return (kept.length > 0 ? kept : lines.slice(-LAST_LINES)).join("\n");
}

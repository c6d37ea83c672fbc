// Writes docs/platforms.md from what the drivers' suites came to. `bun tools/docs/platforms.ts` writes it from the
// fragments; `bun tools/docs/platforms.ts --prove [package…]` runs the suites first. They need root and gcc.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { prove, readFragment, type ProofFragment } from "./proof-fragment.ts";
import { LEVEL_MEANINGS, LEVELS, PROOFS, type PlatformEntry, type ProofEntry, type ProofLevel } from "./proof-list.ts";

const ROOT = dirname(dirname(import.meta.dirname));
export const PLATFORMS_PATH = join(ROOT, "docs/platforms.md");

/** The text of docs/platforms.md. */
export function platformsDocument(): string {
  const rows = PROOFS.flatMap((entry) => rowsOf(entry, readFragment(entry.package)));
  const head = ["platform", "Bun", "driver", ...LEVELS];
  const parts = [
    "# Platforms",
    "Made by `bun tools/docs/platforms.ts` from what the drivers' suites came to; do not edit. The driver for Linux " +
      "is not in the table: all of its tests run on the system itself.",
    "How many tests passed at each level of proof; what a level means stands below.",
    [line(head), line(head.map(() => "---")), ...rows].join("\n"),
    "## Levels",
    LEVELS.map((level) => `- **${level}**: ${LEVEL_MEANINGS[level]}`).join("\n"),
    "The rows of *real* are those of [platforms.yml](../.github/workflows/platforms.yml). A row says *never " +
      "executed* until it has run there and passed.",
    "## What stays unproven",
    PROOFS.flatMap(({ open }) => open.map((sentence) => `- ${sentence}`)).join("\n"),
  ];
  return `${parts.join("\n\n")}\n`;
}

function rowsOf(entry: ProofEntry, fragment: ProofFragment): string[] {
  return entry.platforms.map((platform) => {
    const found = fragment.platforms.find((each) => each.platform === platform.platform);
    const cells = LEVELS.map((level) => cell(platform, level, found?.passed[level] ?? 0));
    const bun = platform.bun.length === 0 ? "none" : platform.bun.join(", ");
    const driver = `[${entry.package}](../packages/${entry.package})`;
    return line([platform.platform, bun, driver, ...cells]);
  });
}

/** @throws Error for a level without a test and without a reason */
function cell({ platform, without }: PlatformEntry, level: ProofLevel, passed: number): string {
  if (passed > 0) return `${passed} passed`;
  const reason = without[level];
  if (reason === undefined) throw new Error(`${platform}, ${level}: expected tests or a reason, found neither`);
  return reason;
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

if (import.meta.main) {
  const [flag, ...names] = process.argv.slice(2);
  if (flag === "--prove") {
    for (const entry of PROOFS) if (names.length === 0 || names.includes(entry.package)) await prove(entry);
  }
  writeFileSync(PLATFORMS_PATH, platformsDocument());
}

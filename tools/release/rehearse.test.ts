import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stepsOf } from "./rehearse.ts";

const WORKFLOW = join(import.meta.dirname, "../../.github/workflows/release.yml");

describe("stepsOf()", () => {
  test("reads the commands of the release workflow, with what its host would say", () => {
    const steps = stepsOf(readFileSync(WORKFLOW, "utf8"));
    const scripts = steps.flatMap(({ script }) => script ?? []);
    expect(scripts.map((script) => script.trim().split("\n")[0])).toEqual([
      "sh tools/run.sh setup",
      "node_modules/.bin/bun run release",
      "for archive in build/release/*.tgz; do",
      'gh release create "$GITHUB_REF_NAME" --generate-notes build/release/*',
    ]);
    expect(steps.find(({ script }) => script?.includes("run release"))?.env).toEqual({
      BUNNEL_REPOSITORY: "https://example.org/bunnel/bunnel",
    });
    expect(steps[0]).toEqual({ name: "actions/checkout@v4", env: {} });
  });

  test("refuses a value that nothing stands for", () => {
    const text = "jobs:\n  release:\n    steps:\n      - run: ls\n        env:\n          A: ${{ github.actor }}\n";
    expect(() => stepsOf(text)).toThrow("expected a value that is known here, found github.actor");
  });
});

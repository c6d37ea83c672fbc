// Every command speaks JSON: the tree of all commands is walked, so that a new one cannot be forgotten.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { bunnel, run, PROGRAM, TempFolder } from "./run.ts";

/** Several commands, each a process of its own. */
setDefaultTimeout(120_000);

interface Listed {
  readonly path: string;
  readonly options: readonly { readonly names: readonly string[] }[];
  readonly commands: readonly Listed[];
}

/** Those that do something; the others only hold them. */
function leaves(command: Listed): readonly Listed[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

async function json(...words: readonly string[]): Promise<unknown> {
  const { out, err, status } = await bunnel([...words, "--json"]);
  expect({ err, status }).toEqual({ err: "", status: 0 });
  return JSON.parse(out);
}

test("every command has --json", async () => {
  const commands = leaves((await json("manual")) as Listed);
  expect(commands.length).toBeGreaterThan(30);
  const without = commands.filter(({ options }) => !options.some(({ names }) => names.includes("--json")));
  expect(without.map(({ path }) => path)).toEqual([]);
});

describe("what is made for people says the same as JSON", () => {
  test("completions, lists of the lab and the schema", async () => {
    const { out: script } = await bunnel(["completions", "bash"]);
    expect(await json("completions", "bash")).toEqual({ shell: "bash", script });
    const { out: schema } = await bunnel(["profile", "schema"]);
    expect(await json("profile", "schema")).toEqual(JSON.parse(schema));
    const { out: listed } = await bunnel(["lab", "list"]);
    const { censors, techniques } = (await json("lab", "list")) as Record<string, readonly { readonly name: string }[]>;
    const names = [...(censors ?? []), ...(techniques ?? [])].map(({ name }) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(listed).toContain(name);
  });

  test("a profile that is written, and its text", async () => {
    using folder = new TempFolder();
    const file = folder.file("made.toml");
    expect(await json("profile", "init", file)).toEqual({ file });
    expect(await json("profile", "init")).toEqual({ text: readFileSync(file, "utf8") });
  });

  test.each(["systemd", "launchd", "windows"])("the definition of a service for %s", async (manager) => {
    const { out } = await bunnel(["service", "install", "--print", "--manager", manager]);
    expect(await json("service", "install", "--print", "--manager", manager)).toMatchObject({
      manager,
      definition: out,
    });
  });
});

test("a reader that has gone is no reason for a complaint", async () => {
  for (const words of [["manual"], ["profile", "schema"], ["completions", "zsh"]]) {
    const script = '"$@" | true; echo "${PIPESTATUS[0]}"';
    expect(await run(["bash", "-c", script, "bash", ...PROGRAM, ...words])).toEqual({ status: 0, out: "0\n", err: "" });
  }
});

test.each([
  ["not JSON", '{"global', "settings: not JSON: "],
  ["not TOML", "[global\n", "settings: not TOML: "],
  ["nobody's", "nonsense", "settings: expected those of turkeydpi, zapret"],
])("bunnel profile convert says in one line of settings that are %s", async (_, text, said) => {
  using folder = new TempFolder();
  const file = folder.file("settings");
  await Bun.write(file, text);
  const { status, err } = await bunnel(["profile", "convert", file]);
  expect(status).toBe(1);
  expect(err).toStartWith(`bunnel: ${file}: ${said}`);
  expect(err.trimEnd().split("\n")).toHaveLength(1);
});

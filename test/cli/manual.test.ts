// Completions and the manual page: made of the commands that there are, and taken by the programs that read them.
import { beforeAll, describe, expect, test } from "bun:test";
import { bunnel, run, TempFolder } from "./run.ts";

let scripts: Readonly<Record<string, string>>;

beforeAll(async () => {
  const shells = ["bash", "zsh", "fish"];
  const outs = await Promise.all(shells.map(async (shell) => (await bunnel(["completions", shell])).out));
  scripts = Object.fromEntries(shells.map((shell, i) => [shell, outs[i] ?? ""]));
});

/** What bash would offer behind these words. */
async function offered(...words: string[]): Promise<string[]> {
  using folder = new TempFolder();
  const path = folder.file("bunnel.bash");
  await Bun.write(path, scripts["bash"] ?? "");
  const script = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _bunnel; printf "%s\\n" "${COMPREPLY[@]}"';
  const { out, err, status } = await run(["bash", "-c", script, path, "bunnel", ...words]);
  expect({ err, status }).toEqual({ err: "", status: 0 });
  return out.trim().split("\n");
}

describe("completions", () => {
  test("bash offers commands, commands below them, and options", async () => {
    expect(await offered("")).toEqual(expect.arrayContaining(["up", "down", "profile", "flows", "completions"]));
    expect(await offered("fl")).toEqual(["flows"]);
    expect(await offered("profile", "")).toEqual(expect.arrayContaining(["check", "show", "init", "schema"]));
    expect(await offered("profile", "check", "--")).toEqual(["--json", "--help"]);
    expect(await offered("up", "--profile", "x.toml", "--me")).toEqual(["--method"]);
  });

  test.each(["zsh", "fish"])("%s has every command and option", (shell) => {
    const script = scripts[shell] ?? "";
    for (const word of ["flows", "strategies", "state-dir", "audit-log"]) expect(script).toContain(word);
  });

  test("a shell that is not known is refused", async () => {
    const { status, err } = await bunnel(["completions", "tcsh"]);
    expect(status).toBe(2);
    expect(err).toContain("Allowed choices are bash, zsh, fish");
  });
});

describe("the manual page", () => {
  test("has every command, and no line that roff would take for a request by accident", async () => {
    const { out } = await bunnel(["manual"]);
    for (const name of ["up", "profile check", "service install"]) expect(out).toContain(`\n.B ${name}`);
    const requests = new Set(out.match(/^\.[A-Z]*/gmu));
    expect([...requests].toSorted()).toEqual([".B", ".I", ".SH", ".SS", ".TH", ".TP"]);
  });
});

// `bunnel profile`: what it makes it reads again, and what is wrong it says with its place.
import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { bunnel, TempFolder } from "./run.ts";

describe("bunnel profile", () => {
  test("init writes a sample that check takes, and not over a file that is there", async () => {
    using folder = new TempFolder();
    const path = folder.file("profile.toml");
    expect(await bunnel(["profile", "init", path])).toMatchObject({ status: 0, out: `wrote ${path}\n` });
    const sample = readFileSync(path, "utf8");
    expect((await bunnel(["profile", "init"])).out).toBe(sample);
    const checked = await bunnel(["profile", "check", path]);
    expect(checked).toMatchObject({ status: 0, err: "" });
    expect(checked.out).toMatch(/profile\.toml is right: 1 of 1 rules enabled, a table of \d+ octets\n$/u);
    writeFileSync(path, "mine");
    const refused = await bunnel(["profile", "init", path]);
    expect(refused).toMatchObject({ status: 1, out: "" });
    expect(refused.err).toContain("is there already: --force writes over it");
    expect(readFileSync(path, "utf8")).toBe("mine");
    expect(await bunnel(["profile", "init", "--force", path])).toMatchObject({ status: 0 });
    expect(readFileSync(path, "utf8")).toBe(sample);
  });

  test("check tells every fault with its place, as JSON too", async () => {
    using folder = new TempFolder();
    const path = folder.file("profile.toml");
    writeFileSync(path, '[device]\nmut = 1\n[[rule]]\nname = "a"\nstrategy = "tls: splat(1)"\n');
    const { status, out, err } = await bunnel(["profile", "check", path]);
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toContain(`${path}:2:1: `);
    expect(err).toMatch(/:5:\d+: .*splat/u);
    const json = await bunnel(["profile", "check", "--json", path]);
    expect(json.status).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ ok: false, code: "E_PROFILE", problems: [{ line: 2 }, { line: 5 }] });
    expect((await bunnel(["profile", "check", folder.file("none.toml")])).err).toMatch(/none\.toml cannot be read/u);
  });

  test("show prints what show reads again", async () => {
    using folder = new TempFolder();
    const path = folder.file("profile.toml");
    writeFileSync(path, '[[rule]]\nname = "a"\nhosts = ["Example.ORG"]\nstrategy = "preset:default"\n');
    const { status, out } = await bunnel(["profile", "show", path]);
    expect(status).toBe(0);
    expect(out).toContain('hosts = ["example.org"]');
    writeFileSync(path, out);
    expect((await bunnel(["profile", "show", path])).out).toBe(out);
    expect((await bunnel(["profile", "show", path, "--running"])).err).toContain("either a file or --running");
    expect(await bunnel(["profile", "show", "--running", "--state-dir", folder.path])).toMatchObject({ status: 3 });
  });

  test("strategies lists what rules can name; strategy prints the canonical form, or the fault's column", async () => {
    const { out } = await bunnel(["profile", "strategies"]);
    expect(out).toMatch(/^preset:default +\d+ +\S/mu);
    const list = JSON.parse((await bunnel(["profile", "strategies", "--json"])).out) as { strategy: string }[];
    expect(list.length).toBeGreaterThan(15);
    const printed = await bunnel(["profile", "strategy", "tls:  split( 1,midsld )   disorder"]);
    expect(printed).toMatchObject({ status: 0, out: "tls: split(1, midsld) disorder\n" });
    const wrong = await bunnel(["profile", "strategy", "tls: splat(1)"]);
    expect(wrong).toMatchObject({ status: 1, out: "" });
    expect(wrong.err).toContain("strategy:1:6: ");
    expect(wrong.err).toContain("split");
  });

  test("schema prints JSON", async () => {
    const { out } = await bunnel(["profile", "schema"]);
    expect(JSON.parse(out)).toMatchObject({ title: "Profile of bunnel", properties: { rule: { type: "array" } } });
  });
});

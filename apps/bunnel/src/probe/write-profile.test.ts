import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseProfile } from "@bunnel/profile";
import { withRules, writeRules } from "./write-profile.ts";

const RULES = [{ hosts: ["video.example.org"], strategy: "tls: split(midsld)" }];
const TEXT = `# Mine.\nversion = 1 # first\n\n[[rule]]\n  name =   "mine"\nstrategy = "pass"\npriority = 7\n`;

describe("withRules()", () => {
  test("keeps what stands there octet for octet and goes before it", () => {
    const next = withRules(TEXT, RULES);
    expect(next.startsWith(TEXT)).toBe(true);
    const { rules } = parseProfile(next);
    expect(rules.map(({ name, priority }) => [name, priority])).toEqual([
      ["mine", 7],
      ["probe", 8],
    ]);
    expect(rules[1]?.hosts).toEqual(["video.example.org"]);
  });

  test("puts a later recommendation in the place of the earlier one", () => {
    const once = withRules(TEXT, RULES);
    const other = [{ hosts: ["mail.example.org"], strategy: "tls: split(1)" }, ...RULES];
    const twice = withRules(once, other);
    expect(withRules(twice, RULES)).toBe(once);
    expect(parseProfile(twice).rules.map(({ name }) => name)).toEqual(["mine", "probe", "probe 2"]);
  });

  test("keeps the built-in rule of a text without rules", () => {
    const { rules } = parseProfile(withRules("# nothing\n", RULES));
    expect(rules.map(({ name }) => name)).toEqual(["probe", "everything"]);
    expect(rules[1]?.strategy).toEqual(parseProfile("").rules[0]?.strategy ?? { clauses: [] });
    expect(withRules(withRules("", RULES), RULES)).toBe(withRules("", RULES));
  });

  test("takes another name where somebody's own rule has it", () => {
    const { rules } = parseProfile(withRules(TEXT.replace("mine", "probe"), RULES));
    expect(rules.map(({ name }) => name)).toEqual(["probe", "probe 2"]);
  });

  test("writes the egress that streams alone do not imply", () => {
    const text = withRules(TEXT, [
      { ...RULES[0], hosts: ["a.example.org"], strategy: "tls: split(1)", egress: "stream" },
    ]);
    expect(parseProfile(text).rules[1]?.egress).toBe("stream");
    const implied = withRules(TEXT, [{ hosts: ["a.example.org"], strategy: "tls: tlsrec(1)", egress: "stream" }]);
    expect(implied).not.toContain("egress");
  });

  test.each([
    ["a profile that has no rules on purpose", "rule = []\n", "no rule at all"],
    ["a profile that is wrong", "rule = 7\n", "rule"],
  ])("refuses %s", (_, text, message) => {
    expect(() => withRules(text, RULES)).toThrow(message);
  });
});

describe("writeRules()", () => {
  test("keeps the file's rights, and makes one that is not there", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bunnel-write-"));
    try {
      const path = join(folder, "profile.toml");
      writeFileSync(path, TEXT, { mode: 0o640 });
      await writeRules(path, RULES);
      expect(statSync(path).mode & 0o777).toBe(0o640);
      expect(await Bun.file(path).text()).toBe(withRules(TEXT, RULES));
      await writeRules(join(folder, "new.toml"), RULES);
      expect(await Bun.file(join(folder, "new.toml")).text()).toBe(withRules("", RULES));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

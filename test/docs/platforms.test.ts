// docs/platforms.md says what the drivers' suites came to, and of the suites as they are now.
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { digestOf, PLATFORMS_PATH, platformsDocument, PROOFS, readCases, readFragment } from "@bunnel/tools/docs";

describe("docs/platforms.md", () => {
  test("is what `bun tools/docs/platforms.ts` writes", () => {
    expect(readFileSync(PLATFORMS_PATH, "utf8")).toBe(platformsDocument());
  });

  test.each(PROOFS.map((entry) => entry.package))("%s: proof.json is of the tests as they are (--prove)", (name) => {
    expect(readFragment(name).tests).toBe(digestOf(name));
  });

  test("every platform has a fragment with a level at which something passed", () => {
    for (const { package: name, platforms } of PROOFS) {
      const found = readFragment(name).platforms;
      expect(found.map(({ platform }) => platform)).toEqual(platforms.map(({ platform }) => platform));
      for (const { passed } of found) expect(Object.values(passed).some((count) => count > 0)).toBe(true);
    }
  });
});

describe("readCases()", () => {
  test("counts what passed, with the describe blocks in the name, and nothing else", () => {
    const report = `<testsuites tests="3">
      <testcase name="a" classname="of freebsd" time="0.1" file="x" />
      <testcase name="b" classname="of netbsd" time="0.1"><skipped /></testcase>
      <testcase name="c" classname="of netbsd" time="0.1">
        <failure message="no"/></testcase></testsuites>`;
    expect(readCases(report, "golden")).toEqual([{ level: "golden", name: "of freebsd a" }]);
  });
});

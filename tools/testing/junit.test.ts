import { describe, expect, test } from "bun:test";
import { readCounts, skippedNames, total } from "./junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="bun test" tests="7" assertions="2" failures="1" skipped="2" time="0.007">
  <testsuite name="a.test.ts" file="a.test.ts" tests="7" assertions="2" failures="1" skipped="2">
    <testcase name="works" classname="" time="0.1" file="a.test.ts" line="1" assertions="1" />
    <testcase name="needs root" classname="" time="0" file="a.test.ts" line="2" assertions="0">
      <skipped />
    </testcase>
    <testcase name="fails" classname="" time="0" file="a.test.ts" line="3" assertions="1">
      <failure type="Error" message="expected skipped" />
    </testcase>
    <testcase name="needs a device" classname="" time="0" file="a.test.ts" line="4" assertions="0">
      <skipped />
    </testcase>
  </testsuite>
</testsuites>`;

describe("readCounts()", () => {
  test("reads the totals and not those of a part", () => {
    expect(readCounts(REPORT)).toEqual({ passed: 4, failed: 1, skipped: 2 });
  });

  test("answers undefined where there is no report", () => {
    expect(readCounts("")).toBeUndefined();
  });
});

test("skippedNames() names the skipped and only those", () => {
  expect(skippedNames(REPORT)).toEqual(["needs root", "needs a device"]);
});

test("total() adds up, and nothing is zero", () => {
  const counts = { passed: 1, failed: 2, skipped: 3 };
  expect(total([counts, counts])).toEqual({ passed: 2, failed: 4, skipped: 6 });
  expect(total([])).toEqual({ passed: 0, failed: 0, skipped: 0 });
});

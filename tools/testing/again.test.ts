import { expect, spyOn, test } from "bun:test";
import { runAgain } from "./again.ts";
import type { Counts } from "./junit.ts";

const PASSED: Counts = { passed: 3, failed: 0, skipped: 0 };
const FAILED: Counts = { passed: 2, failed: 1, skipped: 0 };

async function attempt(first: Readonly<Record<string, Counts>>, second: Counts) {
  const counts = new Map(Object.entries(first));
  const ran: string[] = [];
  using _quiet = spyOn(console, "log").mockImplementation(() => undefined);
  const again = await runAgain(
    counts,
    (file) => file.startsWith("test/e2e/"),
    (file) => {
      ran.push(file);
      return Promise.resolve(second);
    },
  );
  return { counts, ran, again };
}

test("what failed and can be late runs once more, and the second outcome counts", async () => {
  const { counts, ran, again } = await attempt({ "test/e2e/a": FAILED, "test/e2e/b": PASSED }, PASSED);
  expect({ ran, again }).toEqual({ ran: ["test/e2e/a"], again: ["test/e2e/a"] });
  expect([...counts.values()]).toEqual([PASSED, PASSED]);
});

test("what fails twice has failed, and is not named as passed", async () => {
  const { counts, ran, again } = await attempt({ "test/e2e/a": FAILED }, FAILED);
  expect({ ran, again }).toEqual({ ran: ["test/e2e/a"], again: [] });
  expect(counts.get("test/e2e/a")).toEqual(FAILED);
});

test("what no machine can be late with does not run again", async () => {
  const { counts, ran } = await attempt({ "packages/wire/a": FAILED, "test/e2e/a": FAILED }, PASSED);
  expect(ran).toEqual(["test/e2e/a"]);
  expect(counts.get("packages/wire/a")).toEqual(FAILED);
});

test("many failures are no chance", async () => {
  const many = Object.fromEntries(["a", "b", "c", "d"].map((name) => [`test/e2e/${name}`, FAILED]));
  expect((await attempt(many, PASSED)).ran).toEqual([]);
});

import { expect, test } from "bun:test";
import type { Outcome } from "@bunnel/lab/live";
import { Board } from "./board.ts";
import { type Column, demoPlan, type Technique, WITHOUT } from "./plan.ts";
import { judgeDemo } from "./verdict.ts";

const plan = demoPlan(3, true);

/** A board in which only the last technique passes, and only what can be passed; `change` may say otherwise. */
function board(change: (technique: Technique, column: Column) => Outcome | undefined = () => undefined): Board {
  const filled = new Board(plan);
  const last = plan.techniques.at(-1);
  for (const technique of plan.techniques) {
    for (const column of plan.columns) {
      const usual = technique === last && column.beatable ? "served" : "blocked";
      const outcome = change(technique, column) ?? usual;
      filled.finish("https", technique, column, [{ label: "IPv4", name: "blocked", outcome, detail: "" }]);
    }
  }
  return filled;
}

test("judgeDemo() passes when each beatable censor was passed and nothing else", () => {
  const verdict = judgeDemo(board());
  expect(verdict.faults).toEqual([]);
  expect(verdict.passed).toBe(true);
  expect(verdict.summary).toContain("with it 5 of them let it through (fake ttl + disorder alone passed 5)");
});

test("judgeDemo() takes a page that came without bunnel for a fault", () => {
  const { passed, faults } = judgeDemo(
    board(({ title }, { censor }) => (title === WITHOUT && censor === "inorder" ? "served" : undefined)),
  );
  expect(passed).toBe(false);
  expect(faults).toEqual(["https, inorder: without bunnel the page was served"]);
});

test("judgeDemo() wants every beatable censor passed", () => {
  const { faults } = judgeDemo(board((_, { censor }) => (censor === "full-first" ? "reset" : undefined)));
  expect(faults).toEqual(["https, full-first: no technique passed"]);
});

test("judgeDemo() does not believe a technique that passes the control", () => {
  const { faults } = judgeDemo(
    board(({ title }, { censor }) => (title === "split" && censor === "strict" ? "served" : undefined)),
  );
  expect(faults).toEqual(["https, strict: split passed a box that nothing here should pass"]);
});

test("judgeDemo() does not pass a board that is not full", () => {
  expect(judgeDemo(new Board(plan)).passed).toBe(false);
});

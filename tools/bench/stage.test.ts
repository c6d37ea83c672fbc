import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { Stage } from "./stage.ts";

const ECHO = ["sh", "-c", `echo ready; while read -r line; do echo "{\\"length\\":\${#line}}"; done`];

describe("Stage.spawn", () => {
  test("talks with a program in lines", async () => {
    using stage = new Stage();
    const child = await stage.spawn(ECHO).ready();
    expect(await child.ask("three")).toEqual({ length: 5 });
    expect(await child.ask("")).toEqual({ length: 0 });
  });

  test("says what the program said when it ends instead of a line", async () => {
    using stage = new Stage();
    const child = stage.spawn(["sh", "-c", "echo sorry >&2; sleep 0.2; exit 1"]);
    const line = child.line();
    await expect(line).rejects.toThrow(/^sh -c .*: ended\nsorry\n$/u);
    expect(await child.ended()).toBe(1);
  });

  test("keeps lines apart that come together", async () => {
    using stage = new Stage();
    const child = stage.spawn(["printf", '{"a":1}\\n{"b":2}\\n']);
    expect([await child.json(), await child.json()]).toEqual([{ a: 1 }, { b: 2 }]);
  });
});

describe("Stage.clear", () => {
  test("ends the programs and keeps the folder; disposing takes the folder", async () => {
    const stage = new Stage();
    const child = await stage.spawn(ECHO).ready();
    stage.clear();
    expect(await child.ended()).toBe(137);
    expect(existsSync(stage.folder)).toBe(true);
    stage[Symbol.dispose]();
    expect(existsSync(stage.folder)).toBe(false);
  });
});

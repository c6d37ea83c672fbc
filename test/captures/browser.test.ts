import { expect, test } from "bun:test";
import { findBrowser } from "@bunnel/lab/live";
import { TempFolder } from "../cli/run.ts";

test("findBrowser() takes the first program that runs, and none where there is none", async () => {
  using folder = new TempFolder();
  for (const [name, status] of [["broken", 1] as const, ["works", 0] as const]) {
    await Bun.write(folder.file(name), `#!/bin/sh\nexit ${status}\n`);
    Bun.spawnSync(["chmod", "+x", folder.file(name)]);
  }
  const [missing, broken, works] = ["missing", "broken", "works"].map((name) => folder.file(name));
  expect(findBrowser([missing ?? "", broken ?? "", works ?? ""])).toBe(works ?? "none");
  expect(findBrowser([missing ?? "", broken ?? ""])).toBeUndefined();
});

import { expect, test } from "bun:test";
import { defaultStateDir, PIPE_PREFIX, statePaths } from "./state-dir.ts";

test("statePaths() names a socket in the folder, and on Windows a pipe of its own for each folder", () => {
  expect(statePaths("/run/bunnel", "linux").socket).toBe("/run/bunnel/control.sock");
  const [one, other] = ["/a", "/b"].map((dir) => statePaths(dir, "win32").socket);
  expect(PIPE_PREFIX).toBe(String.raw`\\.\pipe` + "\\");
  expect(one).toStartWith(`${PIPE_PREFIX}bunnel-`);
  expect(one).not.toBe(other ?? "");
  expect(statePaths("/a", "win32").socket).toBe(one ?? "");
});

test("defaultStateDir() is where each system has what lives as long as it runs", () => {
  expect(defaultStateDir("linux", {})).toBe("/run/bunnel");
  expect(defaultStateDir("darwin", {})).toBe("/var/run/bunnel");
  expect(defaultStateDir("win32", { ProgramData: "D:\\Data" })).toBe("D:\\Data\\bunnel");
});

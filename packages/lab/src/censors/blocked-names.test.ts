import { expect, test } from "bun:test";
import { BlockedNames } from "./blocked-names.ts";

const names = new BlockedNames(["example.org", ".Video.Example.NET", ""]);

test("BlockedNames.match() finds a name and every name below it", () => {
  expect(names.match("example.org")).toBe("example.org");
  expect(names.match("a.b.example.org")).toBe("example.org");
  expect(names.match("video.example.net")).toBe("video.example.net");
});

test("BlockedNames.match() knows no case and no dot at the end", () => {
  expect(names.match("WWW.EXAMPLE.Org.")).toBe("example.org");
});

test("BlockedNames.match() leaves neighbours and parents alone", () => {
  for (const host of ["notexample.org", "example.org.test", "example.net", "org", "", undefined]) {
    expect(names.match(host)).toBeUndefined();
  }
});

test("BlockedNames.match() names the longest entry", () => {
  expect(new BlockedNames(["example.org", "video.example.org"]).match("hd.video.example.org")).toBe(
    "video.example.org",
  );
});

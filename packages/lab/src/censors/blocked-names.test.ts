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

test("BlockedNames.within() finds a name's letters wherever they stand, in any case", () => {
  const octets = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  for (const text of ["example.org", "x\0\xffEXAMPLE.orgy", "notexample.org", "example.example.org", "eexample.org"]) {
    expect(names.within(octets(text))).toBe("example.org");
  }
  expect(names.within(octets("GET / HTTP/1.1 video.example.net"))).toBe("video.example.net");
  for (const text of ["", "example.or", "xample.org", "example org", "exampleexample.o"]) {
    expect(names.within(octets(text))).toBeUndefined();
  }
});

test("BlockedNames.within() finds every word that a plain search finds", () => {
  const texts = wordsUpTo(9);
  for (const word of wordsUpTo(4)) {
    const list = new BlockedNames([word]);
    for (const text of texts) {
      const octets = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
      if ((list.within(octets) === word) !== text.includes(word)) throw new Error(`${word} in ${text}`);
    }
  }
});

/** All words of the letters a and b up to that length. */
function wordsUpTo(length: number): readonly string[] {
  const shorter = length === 1 ? [""] : wordsUpTo(length - 1);
  return [...new Set(shorter.flatMap((word) => [word, `${word}a`, `${word}b`]))].filter((word) => word !== "");
}

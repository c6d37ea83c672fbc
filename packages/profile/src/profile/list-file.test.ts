import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { loadFile } from "../../test/files.ts";
import { Fault } from "../errors.ts";
import { fileLoader, Files, type FileLoader } from "./files.ts";
import { readListFile } from "./list-file.ts";
import { parseProfile } from "./parse.ts";
import { listEntries } from "./profile.ts";
import { readHostLine } from "./values.ts";

function hostsIn(load: FileLoader, path = "list.txt"): readonly string[] | string {
  const list = readListFile(new Files(load), path, readHostLine);
  return list instanceof Fault ? list.text : listEntries(list);
}

const text = (lines: string) => () => new TextEncoder().encode(lines);

describe("readListFile()", () => {
  test("reads one entry a line, without comments, blanks and empty lines", () => {
    expect(hostsIn(loadFile, "hosts.txt")).toEqual([
      ...["video.example.org", "=www.example.org", "=old.example.org", "all:co.uk"],
    ]);
    expect(hostsIn(text("\ufeffa.example.org"))).toEqual(["a.example.org"]);
    expect(hostsIn(text(""))).toEqual([]);
  });

  test("unpacks zstd, whatever the file is called", () => {
    expect(hostsIn(() => zstdCompressSync("a.example.org\n"))).toEqual(["a.example.org"]);
    const broken = () => zstdCompressSync("a.example.org".repeat(9)).slice(0, 12);
    expect(hostsIn(broken)).toStartWith('expected zstd that can be unpacked, found "list.txt": ');
    const large = zstdCompressSync(new Uint8Array(64 * 1024 * 1024 + 1));
    expect(hostsIn(() => large)).toBe('expected a list of at most 67108864 octets, found more in "list.txt"');
  });

  test("unpacks gzip, whatever the file is called", () => {
    expect(hostsIn(() => gzipSync("a.example.org\n"))).toEqual(["a.example.org"]);
  });

  test("tells the first wrong lines, and how many more there are", () => {
    expect(hostsIn(text("a b\nexample.org\ncom # all of it"))).toBe(
      '"list.txt" line 1: expected a host name, found "a b"; ' +
        'line 3: expected a name that somebody owns, found "com", a public suffix: ' +
        'write "all:com" for everything below it, "=com" for the name alone',
    );
    expect(hostsIn(text("a b\n".repeat(10)))).toEndWith('line 3: expected a host name, found "a b"; and 7 more');
  });

  test("tells why a file cannot be read or unpacked, or is too large", () => {
    expect(hostsIn(loadFile, "gone.txt")).toBe('expected a file that can be read, found "gone.txt": no such file');
    const broken = () => gzipSync("a.example.org").slice(0, 12);
    expect(hostsIn(broken)).toStartWith('expected gzip that can be unpacked, found "list.txt": ');
    const large = gzipSync(new Uint8Array(64 * 1024 * 1024 + 1));
    expect(hostsIn(() => large)).toBe('expected a list of at most 67108864 octets, found more in "list.txt"');
  });
});

test("Files asks for each file once", () => {
  const asked: string[] = [];
  const rule = (name: string) => `[[rule]]\nname = "${name}"\nhosts_file = "hosts.txt"\nstrategy = "pass"\n`;
  const load: FileLoader = (path) => {
    asked.push(path);
    return loadFile(path);
  };
  expect(listEntries(parseProfile(rule("a") + rule("b"), { load }).rules[1]?.hostsFile)).toHaveLength(4);
  expect(asked).toEqual(["hosts.txt"]);
});

test("fileLoader() reads from the directory of the profile, as parseProfile() does by itself", () => {
  const directory = mkdtempSync(join(tmpdir(), "bunnel-profile-"));
  try {
    writeFileSync(join(directory, "list.txt"), "a.example.org\n");
    const source = join(directory, "bunnel.toml");
    expect(fileLoader(source)("list.txt")).toHaveLength(14);
    expect(fileLoader("/elsewhere/bunnel.toml")(join(directory, "list.txt"))).toHaveLength(14);
    const profile = parseProfile('[[rule]]\nname = "a"\nhosts_file = "list.txt"\nstrategy = "pass"', { source });
    expect(profile.rules[0]?.hostsFile).toEqual({ path: "list.txt", text: "a.example.org" });
    expect(() => fileLoader(source)("gone.txt")).toThrow("ENOENT");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

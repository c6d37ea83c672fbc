// needs root: files of other users
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chownSync, closeSync, lstatSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf } from "../../test/network-pair.ts";
import { lookAt, overwriteFile, replaceFile, restoreFile } from "./replaced-file.ts";

const MODULE = new URL("./replaced-file.ts", import.meta.url).pathname;

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-file-"));
  path = join(folder, "file");
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("replaceFile() and restoreFile()", () => {
  test("bring octets, mode and owner back as they were, whatever the octets are", () => {
    const octets = Uint8Array.from({ length: 256 }, (_, i) => i);
    writeFileSync(path, octets, { mode: 0o604 });
    chownSync(path, 1234, 5678);
    const former = lookAt(path);
    expect(replaceFile(path, "ours\n")).toBe("replaced");
    expect([readFileSync(path, "utf8"), lstatSync(path).mode & 0o7777]).toEqual(["ours\n", 0o644]);
    restoreFile(path, JSON.parse(JSON.stringify(former)) as typeof former);
    const { mode, uid, gid } = lstatSync(path);
    expect([mode & 0o7777, uid, gid]).toEqual([0o604, 1234, 5678]);
    expect(new Uint8Array(readFileSync(path))).toEqual(octets);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("never write into the file that stands there: who has it open reads the old text to its end", () => {
    writeFileSync(path, "old text");
    const fd = openSync(path, "r");
    const before = lstatSync(path).ino;
    replaceFile(path, "new");
    expect(readFileSync(fd, "utf8")).toBe("old text");
    closeSync(fd);
    expect(lstatSync(path).ino).not.toBe(before);
  });

  test("a draft that a killed process left, even a link to somewhere, is not in the way and not followed", () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "untouched");
    symlinkSync(victim, `${path}.bunnel-new`);
    replaceFile(path, "ours");
    expect([readFileSync(path, "utf8"), readFileSync(victim, "utf8")]).toEqual(["ours", "untouched"]);
    expect(readdirSync(folder).toSorted()).toEqual(["file", "victim"]);
  });

  test("a file that is a mount of its own is told of, overwritten in place, and comes back", () => {
    writeFileSync(path, "a text that is longer than the other one\n", { mode: 0o600 });
    const program = `import { lookAt, overwriteFile, replaceFile, restoreFile } from ${JSON.stringify(MODULE)};
      import { readFileSync } from "node:fs";
      const path = ${JSON.stringify(path)};
      const former = lookAt(path);
      console.log(replaceFile(path, "ours\\n"), JSON.stringify(readFileSync(path, "utf8")));
      overwriteFile(path, Buffer.from("ours\\n"));
      console.log(JSON.stringify(readFileSync(path, "utf8")));
      restoreFile(path, former);
      console.log(JSON.stringify(readFileSync(path, "utf8")));`;
    const script = 'mount --bind "$1" "$1" && exec "$2" -e "$3"';
    const command = ["unshare", "--mount", "sh", "-ec", script, "sh", path, process.execPath, program];
    const { stdout, stderr } = Bun.spawnSync(command);
    expect(stderr.toString()).toBe("");
    const text = JSON.stringify("a text that is longer than the other one\n");
    expect(stdout.toString().trim().split("\n")).toEqual([`mounted ${text}`, '"ours\\n"', text]);
    expect(readdirSync(folder)).toEqual(["file"]);
  });

  test("a place that cannot be written is E_DEVICE_DENIED", () => {
    const program = `import { replaceFile } from ${JSON.stringify(MODULE)};
      try { replaceFile(${JSON.stringify(path)}, "x"); } catch (error) { console.log(error.code, error.message); }`;
    const script = 'mount -t tmpfs none "$1" && mount -o remount,ro "$1" && exec "$2" -e "$3"';
    const command = ["unshare", "--mount", "sh", "-ec", script, "sh", folder, process.execPath, program];
    expect(Bun.spawnSync(command).stdout.toString()).toBe(`E_DEVICE_DENIED replacing ${path} failed with EROFS\n`);
  });
});

describe("overwriteFile()", () => {
  test("does not follow a link", () => {
    const victim = join(folder, "victim");
    writeFileSync(victim, "untouched");
    symlinkSync(victim, path);
    expect(failureOf(() => overwriteFile(path, Buffer.from("x"))).errno).toBe(40);
    expect(readFileSync(victim, "utf8")).toBe("untouched");
  });
});

describe("lookAt()", () => {
  test("tells an absent one, a link, a file, and refuses the rest", () => {
    expect(lookAt(path)).toEqual({ kind: "absent" });
    symlinkSync("over/there", path);
    expect(lookAt(path)).toEqual({ kind: "link", target: "over/there" });
    expect(failureOf(() => lookAt(folder)).code).toBe("E_DEVICE_STATE");
  });
});

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileWatcher } from "./watch-files.ts";

const EVERY_MS = 5;
let folder: string;
let changes: number;
let files: string[];
let watcher: FileWatcher;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-test-"));
  changes = 0;
  for (const name of ["a", "b"]) writeFileSync(join(folder, name), "before");
  files = [join(folder, "a"), join(folder, "b")];
  watcher = new FileWatcher(
    () => files,
    () => void changes++,
    EVERY_MS,
  );
});

afterEach(() => {
  watcher[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1000 && !condition(); i++) await Bun.sleep(EVERY_MS);
  expect(condition()).toBe(true);
}

/** Long enough for several looks. */
const looks = (): Promise<void> => Bun.sleep(EVERY_MS * 10);

describe("FileWatcher", () => {
  test("tells each change once, whichever file it was", async () => {
    await looks();
    expect(changes).toBe(0);
    writeFileSync(join(folder, "a"), "after that");
    await until(() => changes === 1);
    writeFileSync(join(folder, "b"), "after this");
    await until(() => changes === 2);
    await looks();
    expect(changes).toBe(2);
  });

  test("tells of a file that took another's place", async () => {
    writeFileSync(join(folder, "new"), "before");
    renameSync(join(folder, "new"), join(folder, "a"));
    await until(() => changes === 1);
  });

  test("waits for a file that is gone until it is back", async () => {
    rmSync(join(folder, "a"));
    await looks();
    expect(changes).toBe(0);
    writeFileSync(join(folder, "a"), "back again");
    await until(() => changes === 1);
  });

  test("mark() makes what is there known, and nothing behind it", async () => {
    writeFileSync(join(folder, "a"), "read by request");
    watcher.mark();
    await looks();
    expect(changes).toBe(0);
    writeFileSync(join(folder, "a"), "changed behind the request");
    await until(() => changes === 1);
  });

  test("looks at other files when others are named", async () => {
    files = [join(folder, "b")];
    await looks();
    writeFileSync(join(folder, "a"), "nobody looks");
    await looks();
    expect(changes).toBe(0);
    writeFileSync(join(folder, "b"), "somebody does");
    await until(() => changes === 1);
  });
});

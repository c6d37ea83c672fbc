// Proof level golden, by another pair of eyes: mingw-w64's own headers, through its compiler.
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile, MINGW } from "../test/build-double.ts";
import { headerStatements } from "../test/headers.ts";
import { mustHave } from "../test/tools.ts";

test("layouts and constants are those of mingw-w64's headers", () => {
  if (!mustHave(MINGW)) return;
  const folder = mkdtempSync(join(tmpdir(), "bunnel-headers-"));
  try {
    const { count, source } = headerStatements();
    const path = join(folder, "headers.c");
    writeFileSync(path, source);
    compile(MINGW, ["-std=c11", "-D_WIN32_WINNT=0x0a00", "-c", "-o", join(folder, "headers.o"), path]);
    expect(count).toBeGreaterThan(100);
    // The compiler does look: a statement that is not so is an error.
    writeFileSync(path, `${source}_Static_assert(sizeof(MIB_IPFORWARD_ROW2) == 103, "wrong");\n`);
    expect(() => compile(MINGW, ["-D_WIN32_WINNT=0x0a00", "-c", "-o", join(folder, "headers.o"), path])).toThrow(
      "wrong",
    );
    console.log(`proof: golden, ${count} layouts and constants compared with mingw-w64's headers`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

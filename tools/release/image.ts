// What an image of the program holds: the executable, the system's loader and the libraries that it names, each where
// it was found, and nothing else.
//
//   bun tools/release/image.ts build/release/bunnel-linux-x64 build/image
import { cpSync, mkdirSync, realpathSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** Where the executable lies in an image; docs/deploy/Containerfile starts it there. */
export const PROGRAM_PLACE = "/usr/local/bin/bunnel";

/** `libm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x…)`, or the loader's own line. */
const LIBRARY = /^\s*(?:\S+ => )?(\/\S+) \(0x/u;

/**
 * Lays an image's files into `folder`, which is emptied before. Returns their places in the image.
 * @throws Error when the executable is none of this machine, or a library of it is not here
 */
export function layImage(executable: string, folder: string): readonly string[] {
  const libraries = librariesOf(executable);
  rmSync(folder, { recursive: true, force: true });
  const files = [[executable, PROGRAM_PLACE] as const, ...libraries.map((path) => [path, path] as const)];
  for (const [from, place] of files) {
    const to = join(folder, place);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(realpathSync(from), to);
  }
  return files.map(([, place]) => place);
}

function librariesOf(executable: string): readonly string[] {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ldd", resolve(executable)]);
  const lines = stdout.toString().trimEnd().split("\n");
  const missing = lines.filter((line) => line.includes("not found"));
  if (exitCode !== 0 || missing.length > 0) {
    throw new Error(
      `${executable}: expected an executable of this machine, found ${missing.join() || stderr.toString()}`,
    );
  }
  return lines.flatMap((line) => LIBRARY.exec(line)?.[1] ?? []);
}

if (import.meta.main) {
  const [executable, folder] = process.argv.slice(2);
  if (executable === undefined || folder === undefined) {
    console.error("image: expected an executable and a folder");
    process.exitCode = 2;
  } else {
    console.log(layImage(executable, folder).join("\n"));
  }
}

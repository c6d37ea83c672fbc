// How this very program is started once more.

/** In a single executable the program's files stand under this path (bun build --compile). */
const EMBEDDED_ROOT = "/$bunfs/";

/** The command line of this program, up to its first argument. */
export function selfCommand(): readonly string[] {
  return Bun.main.startsWith(EMBEDDED_ROOT) ? [process.execPath] : [process.execPath, Bun.main];
}

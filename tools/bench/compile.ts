// The C programs, built when they are needed into a folder that the caller throws away.
import { join } from "node:path";

/** A program of tools/bench/c by its file name without ending. */
export type ProgramName =
  | "engine"
  | "planner"
  | "lists"
  | "forward"
  | "awake"
  | "drain"
  | "bulk"
  | "connect"
  | "torrent"
  | "turns"
  | "echo"
  | "ping"
  | "queues";

const SOURCES = join(import.meta.dir, "c");
const FLAGS = ["-O3", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread"];

/** A tool of the system that is not there; the message says what to install. */
export class MissingTool extends Error {
  override readonly name = "MissingTool";
}

/** @throws MissingTool that names the package which brings the tool */
export function requireTool(command: string, packageName: string): string {
  const path = Bun.which(command);
  if (path === null)
    throw new MissingTool(`${command} is missing: install it, for example \`apt-get install ${packageName}\``);
  return path;
}

/**
 * Compiles a program into `folder`; returns its path.
 * @throws MissingTool when there is no gcc
 * @throws Error with the compiler's own words when it refuses the source
 */
export function compileProgram(name: ProgramName, folder: string): string {
  const gcc = requireTool("gcc", "gcc libc6-dev");
  const output = join(folder, name);
  const { exitCode, stderr } = Bun.spawnSync([gcc, ...FLAGS, "-o", output, join(SOURCES, `${name}.c`)], {
    stderr: "pipe",
  });
  if (exitCode !== 0) throw new Error(`gcc refused ${name}.c:\n${stderr.toString()}`);
  return output;
}

// A network of its own for the thread that calls, for the rest of the process: tests and what they start see no other.
import { errno, errnoName, library, libcNames } from "@bunnel/ffi";

/** sched.h */
const CLONE_NEWNET = 0x40000000;

/** From now on the calling thread, its later Workers and children are in an empty network with its loopback up. */
export function enterOwnNetwork(): void {
  const libc = library(libcNames().paths, { unshare: { args: ["i32"], returns: "i32" } });
  if (libc().unshare(CLONE_NEWNET) < 0) throw new Error(`unshare failed with ${errnoName(errno())}`);
  run("ip link set lo up");
}

/** What a program prints. @throws Error with what it printed when it failed */
export function run(words: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(words.split(" "));
  if (exitCode !== 0) throw new Error(`${words} failed with ${exitCode}: ${stdout.toString()}${stderr.toString()}`);
  return stdout.toString();
}

/** The same, without blocking this thread. */
export async function runMeanwhile(words: string): Promise<string> {
  const child = Bun.spawn(words.split(" "), { stdout: "pipe", stderr: "pipe" });
  const [output, exitCode] = [await new Response(child.stdout).text(), await child.exited];
  if (exitCode !== 0) throw new Error(`${words} failed with ${exitCode}: ${output}`);
  return output;
}

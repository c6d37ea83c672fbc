// Runs the program as a user would, in a network namespace of its own where it could touch the network.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCES = join(import.meta.dirname, "../../apps/bunnel/src/main.ts");
const EXECUTABLE = process.env["BUNNEL_EXECUTABLE"];
/**
 * The words that start the program: from its sources, or the executable that the environment's BUNNEL_EXECUTABLE names,
 * so that what is released passes the same suites.
 */
export const PROGRAM: readonly string[] = EXECUTABLE === undefined ? [process.execPath, SOURCES] : [EXECUTABLE];
const TIMEOUT_MS = 30_000;

export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs `bunnel` with these arguments; `before` are words that stand before the command, such as unshare and its
 * options.
 */
export async function bunnel(args: readonly string[], before: readonly string[] = []): Promise<Ran> {
  return run([...before, ...PROGRAM, ...args]);
}

export async function run(command: readonly string[]): Promise<Ran> {
  const child = Bun.spawn([...command], { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS });
  const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { status, out, err };
}

/** Waits until a program has said this; what it says later nobody hears. @throws Error when it ends before */
export async function said(stream: ReadableStream<Uint8Array>, words: string): Promise<void> {
  let text = "";
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (value) text += new TextDecoder().decode(value);
    if (text.includes(words)) return;
    if (done) throw new Error(`expected a program to say ${JSON.stringify(words)}, found ${JSON.stringify(text)}`);
  }
}

/** A folder that is gone when the test is over. */
export class TempFolder implements Disposable {
  /** Open to all: a service reads and writes in it as nobody. */
  readonly path = mkdtempSync(join(tmpdir(), "bunnel-test-"));

  constructor() {
    chmodSync(this.path, 0o755);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

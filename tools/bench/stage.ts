// What a benchmark builds for itself: a folder, network namespaces, processes. Disposing the stage takes it all away.
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, type ChildOptions } from "./child.ts";
import { MissingTool, requireTool } from "./compile.ts";
import { Namespace } from "./namespace.ts";

const PREFIX = "bunnel-bench";

export class Stage implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), `${PREFIX}-${process.pid}-`));
  readonly #children: Child[] = [];
  readonly #namespaces: Namespace[] = [];

  constructor() {
    // A service that is measured keeps its state here, as nobody.
    chmodSync(this.folder, 0o755);
  }

  /** Makes a network namespace with its loopback up; of those with the same label each has a number. Needs root. */
  namespace(label: string): Namespace {
    const namespace = new Namespace(`${PREFIX}-${process.pid}-${label}${this.#namespaces.length}`);
    this.#namespaces.push(namespace);
    return namespace;
  }

  /** Starts a program; where a namespace is named, within it. */
  spawn(command: readonly string[], options: ChildOptions = {}): Child {
    const child = new Child(command, options);
    this.#children.push(child);
    return child;
  }

  /** Ends what a run has started, and deletes its namespaces; the folder stays for the next run. */
  clear(): void {
    for (const child of this.#children.splice(0).toReversed()) child.kill();
    for (const namespace of this.#namespaces.splice(0).toReversed()) namespace.delete();
  }

  [Symbol.dispose](): void {
    this.clear();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Deletes namespaces and folders of benchmarks that were killed before they could. */
  static sweep(): void {
    for (const name of Namespace.list().filter(isLeftOver)) Namespace.deleteByName(name);
    for (const name of readdirSync(tmpdir()).filter(isLeftOver)) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

function isLeftOver(name: string): boolean {
  const pid = new RegExp(`^${PREFIX}-(\\d+)-`, "u").exec(name)?.[1];
  return pid !== undefined && !existsSync(`/proc/${pid}`);
}

/**
 * For suites that make namespaces: all that they need is there, and nothing is left of a benchmark that was killed.
 * @throws MissingTool that says what is missing
 */
export function prepareNetwork(suite: string): void {
  if (process.getuid?.() !== 0) throw new MissingTool(`${suite} makes network namespaces and devices: run it as root`);
  requireTool("ip", "iproute2");
  requireTool("taskset", "util-linux");
  Stage.sweep();
}

// How much of a live lab this machine allows.
import { closeSync, openSync } from "node:fs";
import { NetworkNamespace } from "@bunnel/tun-linux";

/**
 * "root": namespaces can be made here and now. "user-namespace": they can after a start under `enterUserNamespace`.
 * "simulated": they cannot, `reason` says why.
 */
export interface LevelFinding {
  readonly level: "root" | "user-namespace" | "simulated";
  readonly reason: string;
}

const TUN_PATH = "/dev/net/tun";

/** Makes an unprivileged user root of a namespace of its own; what follows is the command. */
export const USER_NAMESPACE_COMMAND: readonly string[] = ["unshare", "--user", "--map-root-user", "--net", "--"];

/** Tries, and leaves nothing behind. */
export function findLevel(): LevelFinding {
  if (process.platform !== "linux") {
    return { level: "simulated", reason: `network namespaces need Linux, this is ${process.platform}` };
  }
  const tun = tryOpen(TUN_PATH);
  if (tun !== undefined) return { level: "simulated", reason: `${TUN_PATH} cannot be opened (${tun})` };
  const namespace = tryNamespace();
  if (namespace === undefined) return { level: "root", reason: "network namespaces can be made" };
  if (tryUserNamespace()) return { level: "user-namespace", reason: "user namespaces can be made" };
  return { level: "simulated", reason: `neither network nor user namespaces can be made (${namespace})` };
}

function tryOpen(path: string): string | undefined {
  try {
    closeSync(openSync(path, "r+"));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function tryNamespace(): string | undefined {
  try {
    NetworkNamespace.create().close();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function tryUserNamespace(): boolean {
  if (Bun.which("unshare") === null) return false;
  return Bun.spawnSync([...USER_NAMESPACE_COMMAND, "true"], { stdout: "ignore", stderr: "ignore" }).success;
}

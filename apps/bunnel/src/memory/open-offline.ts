// The memory of a service that does not run, for `bunnel hosts`.
import { accessSync, constants, existsSync, lchownSync, lstatSync, mkdirSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { MemoryError } from "./contract.ts";
import { Memory } from "./memory.ts";
import { memoryNames } from "./place.ts";
import { IN_MEMORY } from "./open-database.ts";
import type { Network } from "./network.ts";

const ROOT = 0;
const OWNER_ONLY = 0o700;

/**
 * Opens the file as who it belongs to, where that one can get there: root would leave files that the service may not
 * write, and what lies in another user's folder may lead elsewhere. One that is not there is empty, and is made where
 * `isWritten`.
 * @throws MemoryError
 */
export function openOffline(path: string, isWritten: boolean, setAside: (path: string) => void): Memory {
  if (!existsSync(path) && !isWritten) return Memory.open(IN_MEMORY);
  const dir = dirname(path);
  mkdirSync(dir, { recursive: true, mode: OWNER_ONLY });
  const { uid, gid } = statSync(dir);
  if (process.geteuid?.() !== ROOT || uid === ROOT) return Memory.open(path, { setAside });
  if (become(uid, gid, dir)) return Memory.open(path, { setAside });
  // Systemd keeps what belongs to its own users in a folder of root's: only root gets through.
  const names = memoryNames(basename(path)).map((name) => join(dir, name));
  for (const name of names) mustBePlain(name);
  const memory = Memory.open(path, { setAside });
  for (const name of names.filter((each) => existsSync(each))) lchownSync(name, uid, gid);
  return memory;
}

/** Whether the folder can be used as that user; else nothing is changed. */
function become(uid: number, gid: number, dir: string): boolean {
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    process.seteuid?.(ROOT);
    process.setegid?.(ROOT);
    return false;
  }
}

function mustBePlain(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || (found.isFile() && found.nlink === 1)) return;
  throw new MemoryError("E_MEMORY_FILE", `memory ${path}: expected a file of its own, found something else`);
}

/** The network that this machine is in, where it can be told. */
export async function networkHere(): Promise<Network | undefined> {
  if (process.platform !== "linux") return undefined;
  const { networkNow } = await import("./network.linux.ts");
  const network = networkNow(false);
  return network === "unsettled" ? undefined : network;
}

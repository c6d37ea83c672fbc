// A system file with a text of ours in its place, and the way back.
//
// The file itself is never written to: a new one is renamed over it, so that readers see the old text or the new one,
// and a link that stood there is replaced and not followed. Where the file is a mount of its own (containers), a rename
// cannot be; then, and only then, the text inside it is replaced.
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DeviceError } from "@bunnel/device";
import { errnoOf, fileError } from "../locked-state/index.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;
const EVERYBODY_READS = 0o644;
const OWNER_ONLY = 0o600;
const PERMISSION_BITS = 0o7777;

// asm-generic/errno-base.h
const ENOENT = 2;
const EBUSY = 16;

/** What stood at a path. The octets of a file are kept whole, whatever they are. */
export type FormerFile =
  | { readonly kind: "absent" }
  | { readonly kind: "link"; readonly target: string }
  | {
      readonly kind: "file";
      readonly base64: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

/** @throws DeviceError E_DEVICE_STATE for what is neither file nor link */
export function lookAt(path: string): FormerFile {
  try {
    const status = lstatSync(path);
    if (status.isSymbolicLink()) return { kind: "link", target: readlinkSync(path) };
    if (status.isFile()) {
      const { mode, uid, gid } = status;
      return { kind: "file", base64: readFileSync(path).toString("base64"), mode: mode & PERMISSION_BITS, uid, gid };
    }
  } catch (error) {
    if (errnoOf(error) === ENOENT) return { kind: "absent" };
    throw fileError(`reading ${path}`, error);
  }
  throw new DeviceError("E_DEVICE_STATE", `${path}: expected a file or a link, found another thing`);
}

/**
 * Puts `text` in the place of whatever stands at the path.
 * @returns "mounted" when nothing was done, because the file is a mount of its own
 * @throws DeviceError E_DEVICE_DENIED where it cannot be written
 */
export function replaceFile(path: string, text: string): "replaced" | "mounted" {
  return moveInto(path, (draft) => writeNew(draft, Buffer.from(text), EVERYBODY_READS));
}

/** Puts `text` into the file that stands at the path; readers may see it half done. Links are not followed. */
export function overwriteFile(path: string, octets: Uint8Array): void {
  try {
    const fd = openSync(path, O_WRONLY | O_NOFOLLOW);
    try {
      writeAll(fd, octets);
      ftruncateSync(fd, octets.length);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw fileError(`writing ${path}`, error);
  }
}

/** Brings back what stood there. */
export function restoreFile(path: string, former: FormerFile): void {
  switch (former.kind) {
    case "absent":
      removeFile(path);
      return;
    case "link":
      moveInto(path, (draft) => symlinkSync(former.target, draft));
      return;
    case "file": {
      const octets = Buffer.from(former.base64, "base64");
      const done = moveInto(path, (draft) => {
        writeNew(draft, octets, former.mode);
        chownSync(draft, former.uid, former.gid);
      });
      if (done === "mounted") overwriteFile(path, octets);
    }
  }
}

function removeFile(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw fileError(`removing ${path}`, error);
  }
}

function moveInto(path: string, make: (draft: string) => void): "replaced" | "mounted" {
  const draft = `${path}.bunnel-new`;
  try {
    // Whoever comes here holds a lock: what lies there was left by a killed process.
    rmSync(draft, { force: true });
    make(draft);
    renameSync(draft, path);
    syncFolder(path);
    return "replaced";
  } catch (error) {
    discard(draft);
    if (errnoOf(error) === EBUSY) return "mounted";
    throw fileError(`replacing ${path}`, error);
  }
}

/** What failed is told of already; where the draft cannot be removed, it could not be made either. */
function discard(draft: string): void {
  try {
    rmSync(draft, { force: true });
  } catch {
    return;
  }
}

function writeNew(path: string, octets: Uint8Array, mode: number): void {
  const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, OWNER_ONLY);
  try {
    writeAll(fd, octets);
    fchmodSync(fd, mode);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function writeAll(fd: number, octets: Uint8Array): void {
  for (let at = 0; at < octets.length;) at += writeSync(fd, octets, at, octets.length - at, at);
}

function syncFolder(path: string): void {
  const fd = openSync(dirname(path), O_RDONLY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

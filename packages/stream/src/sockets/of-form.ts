// Which socket calls a relay works with.
import * as linux from "../sys.ts";
import { StreamError } from "../errors.ts";
import { DARWIN, FREEBSD } from "./numbers.bsd.ts";
import { LINUX } from "./numbers.linux.ts";
import type { SocketNumbers } from "./numbers.ts";
import { WINDOWS } from "./numbers.win32.ts";
import { posixCalls } from "./posix/sys.ts";
import type { PortableSockets, Sockets, StreamForm } from "./sockets.ts";
import { SystemSockets } from "./system-sockets.ts";
import { windowsCalls } from "./windows/sys.ts";

/** Whose numbers and library the portable form uses. */
export interface SocketSystem {
  readonly platform: NodeJS.Platform;
  /** Where the C library lies, best first. Default: where the system has it. */
  readonly libraries?: readonly string[];
}

const TABLES: Partial<Record<NodeJS.Platform, SocketNumbers>> = { linux: LINUX, darwin: DARWIN, freebsd: FREEBSD };

/** Linux's own calls, as a plain object: calling through a module's name space is slower. */
const NATIVE: Sockets = { ...linux, refusalOf: () => undefined };

/** The form that a relay has without being asked for one. */
export function defaultForm(platform: NodeJS.Platform = process.platform): StreamForm {
  return platform === "linux" ? "native" : "portable";
}

/** @throws StreamError E_STREAM_UNSUPPORTED where a form, or a system, cannot be had */
export function socketsOf(form: StreamForm, system: SocketSystem = { platform: process.platform }): Sockets {
  if (form === "portable") return portableSockets(system);
  if (process.platform === "linux") return NATIVE;
  throw new StreamError("E_STREAM_UNSUPPORTED", `relay: the native form: expected Linux, found ${process.platform}`);
}

/** As `socketsOf` with the portable form. */
export function portableSockets({ platform, libraries }: SocketSystem): PortableSockets {
  if (platform === "win32") return new SystemSockets(WINDOWS, windowsCalls());
  const table = TABLES[platform];
  if (table === undefined) {
    const known = [...Object.keys(TABLES), "win32"].join(", ");
    throw new StreamError("E_STREAM_UNSUPPORTED", `relay: expected one of ${known}, found ${platform}`);
  }
  const numbers = { ...table, ...(libraries && { libraries }) };
  return new SystemSockets(numbers, posixCalls(numbers));
}

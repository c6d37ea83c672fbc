// Which process a packet is from, told by a mark that its socket got when it was made. The kernel forgets the program
// with the descriptor, whatever ends this process.
import { DeviceError, type PacketOwners } from "@bunnel/device";
import { EXCLUDED_PROCESS_MARK, INCLUDED_PROCESS_MARK } from "../intercept/marks.ts";
import { systemError } from "../errors.ts";
import { closeFd, openReadOnly } from "../sys.ts";
import { cgroupRoot } from "./cgroups.ts";
import { processProgram } from "./process-program.ts";
import * as sys from "./sys.ts";

interface Held {
  readonly key: string;
  readonly link: number;
}

let held: Held | undefined;

/**
 * Has sockets marked that threads of these names make from now on. The marking goes on until this process ends, so that
 * an interception that begins anew needs no new privilege; other names take the place of those before.
 * @throws DeviceError E_UNSUPPORTED where the kernel or the machine cannot, E_DEVICE_DENIED without CAP_BPF or
 * CAP_NET_ADMIN, as a service is that gave its privileges up: names are then those of the start
 */
export function markProcesses(include: PacketOwners = {}, exclude: PacketOwners = {}): void {
  const [included = [], excluded = []] = [include.processes, exclude.processes];
  const key = JSON.stringify([included, excluded]);
  if (included.length + excluded.length === 0 || held?.key === key) return;
  if (!sys.hasBpf()) throw new DeviceError("E_UNSUPPORTED", `processes by name: not on ${process.arch}`);
  const program = processProgram([
    { names: included, bits: INCLUDED_PROCESS_MARK },
    { names: excluded, bits: EXCLUDED_PROCESS_MARK },
  ]);
  const link = attach(program);
  if (held !== undefined) closeFd(held.link);
  held = { key, link };
}

function attach(instructions: Uint8Array): number {
  const root = openReadOnly(cgroupRoot());
  if (root < 0) throw systemError("opening the root of the control groups", sys.errno());
  try {
    const program = checked("loading the program that knows processes", sys.loadSocketProgram(instructions));
    try {
      return checked("attaching the program that knows processes", sys.attachToCgroup(program, root));
    } finally {
      closeFd(program);
    }
  } finally {
    closeFd(root);
  }
}

function checked(what: string, fd: number): number {
  if (fd < 0) throw systemError(what, sys.errno(), "", "CAP_BPF and CAP_NET_ADMIN, before privileges are given up");
  return fd;
}

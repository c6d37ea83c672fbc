// The structs that only macOS has, as octets.
import { Struct } from "@bunnel/ffi";
import * as numbers from "./system.ts";

/** sys/kern_control.h */
export const ctlInfo = new Struct("ctl_info", numbers.CTL_INFO_BYTES, {
  id: { at: 0, type: "u32" },
  name: { at: 4, type: "text", bytes: 96 },
});

const sockaddrCtl = new Struct("sockaddr_ctl", 32, {
  length: { at: 0, type: "u8" },
  family: { at: 1, type: "u8" },
  subsystem: { at: 2, type: "u16" },
  id: { at: 4, type: "u32" },
  unit: { at: 8, type: "u32" },
});

/** net/if.h: the command and where its argument lies. */
const ifdrv = new Struct("ifdrv", numbers.IFDRV_BYTES, {
  name: { at: 0, type: "text", bytes: 16 },
  command: { at: 16, type: "u64" },
  bytes: { at: 24, type: "u64" },
  data: { at: 32, type: "u64" },
});

/** net/if_fake_var.h */
const fakeRequest = new Struct("if_fake_request", numbers.IF_FAKE_REQUEST_BYTES, {
  peer: { at: 32, type: "text", bytes: 16 },
});

/** net/ndrv.h */
const sockaddrNdrv = new Struct("sockaddr_ndrv", numbers.SOCKADDR_NDRV_BYTES, {
  length: { at: 0, type: "u8" },
  family: { at: 1, type: "u8" },
  name: { at: 2, type: "text", bytes: 16 },
});

/** Asks for the number of the kernel control of that name. */
export function controlQuery(name: string): Uint8Array {
  return ctlInfo.encode({ name });
}

/** @param unit the number in the interface's name and one; 0: the system's choice */
export function controlAddress(id: number, unit: number): Uint8Array {
  const { AF_SYSTEM: family, AF_SYS_CONTROL: subsystem } = numbers;
  return sockaddrCtl.encode({ length: sockaddrCtl.bytes, family, subsystem, id, unit });
}

export function peerRequest(peer: string): Uint8Array {
  return fakeRequest.encode({ peer });
}

/** @param address where the argument lies; its memory stays referenced until the call has ended */
export function driverRequest(name: string, command: number, address: number, bytes: number): Uint8Array {
  return ifdrv.encode({ name, command: BigInt(command), bytes: BigInt(bytes), data: BigInt(address) });
}

export function ndrvAddress(name: string): Uint8Array {
  return sockaddrNdrv.encode({ length: sockaddrNdrv.bytes, family: numbers.AF_NDRV, name });
}

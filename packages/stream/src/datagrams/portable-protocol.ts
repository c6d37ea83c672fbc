// What the two threads say to each other where datagrams are carried on by the sockets that every system has. Answers
// go back as packets: whoever holds the device writes them.
import type { SocketSystem } from "../sockets/of-form.ts";
import type { CarryLimits } from "./carry-protocol.ts";

/** Everything that the thread starts with. */
export interface PortableStart {
  readonly port: MessagePort;
  readonly signal: number;
  readonly system: SocketSystem | undefined;
  readonly bindTo: string | undefined;
  readonly counters: SharedArrayBuffer;
  /** One word: octets of answers that were taken over, modulo 2^32. */
  readonly delivered: SharedArrayBuffer;
  readonly limits: CarryLimits;
}

/** To the thread. */
export type ToPortable =
  | { readonly say: "packets"; readonly records: Uint8Array }
  | { readonly say: "bind"; readonly bindTo: string }
  | ({ readonly say: "limits" } & CarryLimits)
  | { readonly say: "close" };

/** From the thread. */
export type FromPortable =
  | { readonly say: "answers"; readonly records: Uint8Array }
  | { readonly say: "ended" }
  | { readonly say: "failed"; readonly message: string };

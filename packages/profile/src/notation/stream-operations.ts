// The techniques that change how many octets a stream has: only who holds both ends of it can carry them out.
import type { Point } from "./kinds.ts";

/** Cuts the record of a ClientHello into several. */
export interface TlsRec {
  readonly technique: "tlsrec";
  /** One to eight, each once. */
  readonly points: readonly Point[];
}

/** Cuts, and sends one octet more behind the first piece, urgent, which the endpoint takes out again. */
export interface Oob {
  readonly technique: "oob";
  readonly point: Point;
  /** The urgent octet, 0 to 255. */
  readonly octet: number;
}

/** Puts header lines of so many octets before the Host line. */
export interface HostPad {
  readonly technique: "hostpad";
  readonly bytes: number;
}

/** Puts a dot behind the host name. */
export interface HostDot {
  readonly technique: "hostdot";
}

/** Puts a tab behind the host name. */
export interface HostTab {
  readonly technique: "hosttab";
}

/** Puts a second space behind the method. */
export interface MethodSpace {
  readonly technique: "methodspace";
}

/** Puts an empty line before the request (RFC 9112 section 2.2 has servers skip it). */
export interface MethodEol {
  readonly technique: "methodeol";
}

/** A technique that needs stream egress, with its parameters. */
export type StreamOperation = TlsRec | Oob | HostPad | HostDot | HostTab | MethodSpace | MethodEol;

/** Octets that `hostpad` may add: more than that servers refuse. */
export const HOST_PAD = { min: 16, max: 16_384 } as const;
/** The urgent octet of `oob` where none is named. */
export const OOB_OCTET_DEFAULT = 0x61;

// Captured packets, whatever the file was, and what its readers and writers share.
import { checkedField, WireError } from "./errors.ts";

/** A packet of a capture file. */
export interface CapturedPacket {
  /** Since 1970-01-01 UTC; 0 where the file does not say. */
  readonly timestampNs: bigint;
  /** As captured: may be cut short. */
  readonly octets: Uint8Array;
  /** Octets of the packet on the wire. */
  readonly originalBytes: number;
  /** Index in `Capture.interfaces`. */
  readonly interfaceId: number;
  readonly comment?: string;
}

/** Where packets were captured. */
export interface CaptureInterface {
  readonly linkType: number;
  readonly name?: string;
}

/** What a capture file has, whatever its format. */
export interface Capture {
  /** That of the first interface; -1 when a pcapng file names none. */
  readonly linkType: number;
  readonly interfaces: readonly CaptureInterface[];
  readonly packets: readonly CapturedPacket[];
}

/** What a writer takes. */
export interface PacketToCapture {
  readonly octets: Uint8Array;
  /** Default 0. */
  readonly timestampNs?: bigint;
  /** Default: as many as there are. */
  readonly originalBytes?: number;
  /** Default 0. */
  readonly interfaceId?: number;
  /** Kept by pcapng alone. */
  readonly comment?: string;
}

/** A sink takes the file piece by piece, in order; each piece is new and the sink's to keep. */
export type CaptureSink = (piece: Uint8Array) => void;

export function captureError(at: number, expected: string, found: string): WireError {
  return new WireError("E_WIRE_CAPTURE", `capture at octet ${at} must have ${expected}, found ${found}`);
}

/**
 * `bytes` octets from `at`.
 * @throws WireError E_WIRE_CAPTURE when the file ends before them
 */
export function fileOctets(file: Uint8Array, at: number, bytes: number, what: string): Uint8Array {
  const left = Math.max(0, file.length - at);
  if (bytes > left) throw captureError(at, `${bytes} octets of ${what}`, `${left}`);
  return file.subarray(at, at + bytes);
}

/** Numbers of a file in its own order of octets. */
export function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

/** The time of a packet to write. Files have no time before 1970. */
export function timestampOf(packet: PacketToCapture): bigint {
  const timestampNs = packet.timestampNs ?? 0n;
  if (timestampNs >= 0n && timestampNs < 1n << 64n) return timestampNs;
  throw new WireError("E_WIRE_CAPTURE", `timestamp must be 0 to 2^64 - 1 ns, found ${timestampNs}`);
}

/** Octets of the packet on the wire, which are never fewer than were captured. */
export function originalBytesOf({ octets, originalBytes }: PacketToCapture): number {
  return Math.max(octets.length, checkedField("original octets", originalBytes ?? octets.length, 0xffffffff));
}

// What went wrong with a request: the errno, the kernel's own words, and the attribute that they are about.
// Source: linux/netlink.h struct nlmsgerr, enum nlmsgerr_attrs.
import { DeviceError, type DeviceErrorCode } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { codeOfErrno, failureText } from "../errors.ts";
import * as nl from "./constants.ts";
import { aligned, parseAttributes, type NetlinkMessage, type ReceivedMessage } from "./message.ts";

/**
 * Where netlink means more than the errno says (asm-generic/errno-base.h, asm-generic/errno.h): what was to be changed
 * or removed is not there, or an interface is not in the state for it. A missing right is always EPERM here.
 */
const CODES: Readonly<Record<number, DeviceErrorCode>> = {
  2: "E_DEVICE_MISSING", // ENOENT
  3: "E_DEVICE_MISSING", // ESRCH
  13: "E_DEVICE_STATE", // EACCES: IPv6 is switched off
  99: "E_DEVICE_MISSING", // EADDRNOTAVAIL
  100: "E_DEVICE_STATE", // ENETDOWN
};

/** A request that the kernel refused. */
export class NetlinkError extends DeviceError {
  constructor(
    code: DeviceErrorCode,
    message: string,
    errno: number,
    /** The kernel's own words, "" where it gave none. */
    readonly explanation: string,
    /** The attribute that the words are about, as its header file calls it: "IFLA_MTU". */
    readonly attribute: string | undefined,
  ) {
    super(code, message, errno);
  }
}

/** What a family calls its requests and their attributes. A path is a type behind the types of its holders. */
export interface NetlinkNames {
  /** The name of a request, by its type: "RTM_NEWLINK". */
  request(type: number): string;
  /** The name of an attribute, by the types of those around it and its own. */
  attribute(type: number, path: readonly number[]): string;
}

export interface Failure {
  /** 0: the request went well. */
  readonly errno: number;
  readonly explanation: string;
  /** Octet of the request at which the refused attribute starts. */
  readonly offset?: number;
  /** Type of an attribute that is missing, and the octet of the one that should hold it (0: the message). */
  readonly missing?: { readonly type: number; readonly holder: number };
}

/** NLMSG_ERROR: i32 error, the request's header, the request unless capped, attributes. NLMSG_DONE: i32, attributes. */
export function failureOf(answer: ReceivedMessage): Failure {
  const { payload } = answer;
  const errno = payload.length < 4 ? 0 : -viewOf(payload).getInt32(0, true);
  if (!(answer.flags & nl.NLM_F_ACK_TLVS)) return { errno, explanation: "" };
  const attributes = parseAttributes(payload.subarray(attributesAt(answer)));
  const number = (type: number): number | undefined => {
    const octets = attributes.get(type);
    return octets && octets.length >= 4 ? viewOf(octets).getUint32(0, true) : undefined;
  };
  const words = attributes.get(nl.NLMSGERR_ATTR_MSG);
  const offset = number(nl.NLMSGERR_ATTR_OFFS);
  const type = number(nl.NLMSGERR_ATTR_MISS_TYPE);
  return {
    errno,
    explanation: words ? fromCString(words) : "",
    ...(offset === undefined ? {} : { offset }),
    ...(type === undefined ? {} : { missing: { type, holder: number(nl.NLMSGERR_ATTR_MISS_NEST) ?? 0 } }),
  };
}

/**
 * The error of a message of a batch. What is not there to be changed or removed is E_DEVICE_MISSING, an interface that
 * is down or without IPv6 E_DEVICE_STATE; else the code is that of the errno.
 */
export function requestError(
  messages: readonly NetlinkMessage[],
  index: number,
  failure: Failure,
  names: NetlinkNames,
  about = "",
): NetlinkError {
  const place = messages.length === 1 ? "" : `, message ${index} of ${messages.length}`;
  const message = messages[index];
  const attribute = message && attributeOf(message, failure, names);
  const { errno, explanation } = failure;
  const words = [explanation, attribute ?? ""].filter((word) => word !== "").join(": ");
  const code = CODES[errno] ?? codeOfErrno(errno);
  const subject = about === "" ? "" : `${about}: `;
  const text = failureText(`${subject}${names.request(message?.type ?? 0)}${place}`, errno, words, code);
  return new NetlinkError(code, text, errno, explanation, attribute);
}

function attributeOf(message: NetlinkMessage, failure: Failure, names: NetlinkNames): string | undefined {
  const { offset, missing } = failure;
  if (missing) {
    const holder = missing.holder === 0 ? [] : message.attributePath(missing.holder);
    return holder && `${names.attribute(message.type, [...holder, missing.type])} is missing`;
  }
  const path = offset === undefined ? undefined : message.attributePath(offset);
  return path && names.attribute(message.type, path);
}

function attributesAt({ type, flags, payload }: ReceivedMessage): number {
  if (type === nl.NLMSG_DONE) return 4;
  if (flags & nl.NLM_F_CAPPED || payload.length < 8) return 4 + nl.NLMSG_HEADER_BYTES;
  return 4 + aligned(viewOf(payload).getUint32(4, true));
}

function viewOf(octets: Uint8Array): DataView {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
}

// Single values of a profile text: each reader gives the value in its one form, or says why it is none.
import { Fault } from "../errors.ts";
import { hostEntryParts, readHostName } from "../host-name.ts";
import { isPublicSuffix } from "../public-suffix.ts";
import { shown } from "../wording.ts";
import type { PacketRange, PortRange } from "./profile.ts";

const PORT_MAX = 65535;
const RULE_NAME_MAX = 64;

/** linux/if.h IFNAMSIZ: 15 octets, and no character that the system's tools trip over. */
export function readInterfaceName(value: unknown): string | Fault {
  if (typeof value === "string" && /^[\w.%-]{1,15}$/.test(value) && value !== "." && value !== "..") return value;
  return new Fault(`expected an interface name of 1 to 15 letters, digits and _ . - %, found ${shown(value)}`);
}

export function readRuleName(value: unknown): string | Fault {
  const printable = typeof value === "string" && /^[^\p{C}]+$/u.test(value) && value.trim() === value;
  if (printable && value.length <= RULE_NAME_MAX) return value;
  return new Fault(`expected a name of 1 to ${RULE_NAME_MAX} printable characters, found ${shown(value)}`);
}

/** The canonical entry: `example.org`, `=example.org` or `all:co.uk`. */
export function readHostEntry(value: unknown): string | Fault {
  if (typeof value !== "string") return new Fault(`expected a host name, found ${shown(value)}`);
  const { sign, text } = hostEntryParts(value);
  const name = readHostName(text);
  if (name instanceof Fault) return name;
  const isSuffix = sign !== "=" && isPublicSuffix(name);
  if (sign === "" && isSuffix) {
    const instead = `write ${shown(`all:${name}`)} for everything below it, ${shown(`=${name}`)} for the name alone`;
    return new Fault(`expected a name that somebody owns, found ${shown(value)}, a public suffix: ${instead}`);
  }
  // Below any other name everything is meant anyway.
  return sign === "all:" && !isSuffix ? name : `${sign}${name}`;
}

/** A line of a list of hosts: also `^name`, which lists made for zapret have for the name alone. */
export function readHostLine(line: string): string | Fault {
  return readHostEntry(line.startsWith("^") ? `=${line.slice(1)}` : line);
}

const PACKET_MAX = 65535;

/** `[1, 4]`; an empty list means any packet. */
export function readPackets(value: unknown): PacketRange | readonly [] | Fault {
  const refused = new Fault(
    `expected the first and the last packet, each from 1 to ${PACKET_MAX}, as in [1, 4], found ${shownList(value)}`,
  );
  if (!Array.isArray(value)) return refused;
  const found: readonly unknown[] = value;
  if (found.length === 0) return [];
  const [first, last] = found;
  if (found.length !== 2 || !isPacket(first) || !isPacket(last)) return refused;
  return first <= last ? { first, last } : new Fault(`${refused.text}, which ends before it starts`);
}

function isPacket(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= PACKET_MAX;
}

function shownList(value: unknown): string {
  return Array.isArray(value) ? `[${value.map(shown).join(", ")}]` : shown(value);
}

/** A file's path as text; an empty one means none. */
export function readPath(value: unknown): string | Fault {
  if (typeof value === "string" && !value.includes("\0")) return value;
  return new Fault(`expected the path of a file, found ${shown(value)}`);
}

export function readPorts(value: unknown): PortRange | Fault {
  const refused = new Fault(
    `expected a port from 1 to ${PORT_MAX} or a range such as "8000-8100", found ${shown(value)}`,
  );
  if (typeof value === "number") return isPort(value) ? { first: value, last: value } : refused;
  const [, first = "", last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(typeof value === "string" ? value : "") ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (!isPort(range.first) || !isPort(range.last)) return refused;
  return range.first <= range.last ? range : new Fault(`${refused.text}, which ends before it starts`);
}

/** A user's name as useradd(8) allows it, or a number; with a group's number behind a colon. Empty: the default. */
export function readUserName(value: unknown): string | Fault {
  if (value === "") return value;
  if (typeof value === "string" && /^(?:[a-z_][a-z0-9_-]{0,31}\$?|\d{1,10}(?::\d{1,10})?)$/i.test(value)) return value;
  return new Fault(`expected a user's name or number, found ${shown(value)}`);
}

const ID_MAX = 4_294_967_294;

/** A user or a group: a name, a number, or a range of numbers. */
export function readOwner(value: unknown): string | Fault {
  const text = typeof value === "number" ? String(value) : value;
  const refused = new Fault(`expected a name, a number or a range such as "1000-1999", found ${shown(value)}`);
  if (typeof text !== "string") return refused;
  const [, first, last = first] = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text) ?? [];
  if (first === undefined) return /^[a-z_][a-z0-9_.-]{0,31}\$?$/i.test(text) ? text : refused;
  if (Number(last) > ID_MAX) return refused;
  return Number(first) <= Number(last) ? text : new Fault(`${refused.text}, which ends before it starts`);
}

/** A path below the root of the control groups, without a slash at either end. */
export function readCgroup(value: unknown): string | Fault {
  const path = typeof value === "string" ? value.replace(/^\/+|\/+$/g, "") : "";
  const isPath =
    path !== "" && !/[\0\n]/.test(path) && path.split("/").every((part) => !["", ".", ".."].includes(part));
  if (isPath) return path;
  return new Fault(`expected the path of a control group such as "user.slice", found ${shown(value)}`);
}

/** TASK_COMM_LEN of linux/sched.h, without the NUL. */
const PROCESS_NAME_MAX_BYTES = 15;

/** The name of a thread. */
export function readProcessName(value: unknown): string | Fault {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value).length : 0;
  const isName = typeof value === "string" && /^[^\0/\n]+$/.test(value);
  if (isName && bytes <= PROCESS_NAME_MAX_BYTES) return value;
  return new Fault(`expected the name of a process, 1 to ${PROCESS_NAME_MAX_BYTES} octets, found ${shown(value)}`);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}

// Single values of a profile text: each reader gives the value in its one form, or says why it is none.
import { Fault } from "../errors.ts";
import { readHostName } from "../host-name.ts";
import { shown } from "../wording.ts";
import type { PortRange } from "./profile.ts";

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

/** The canonical entry: `example.org` or `=example.org`. */
export function readHostEntry(value: unknown): string | Fault {
  if (typeof value !== "string") return new Fault(`expected a host name, found ${shown(value)}`);
  const exact = value.startsWith("=");
  const name = readHostName(exact ? value.slice(1) : value);
  return name instanceof Fault || !exact ? name : `=${name}`;
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

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= PORT_MAX;
}

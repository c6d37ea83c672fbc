// Figures as people read them.
import { scaled } from "../scaled.ts";

/** 999, 12.3 K, 4.5 M. */
export function short(value: number): string {
  const { amount, unit } = scaled(value);
  const digits = amount >= 99.95 || (unit === "" && Number.isInteger(amount)) ? 0 : 1;
  return `${amount.toFixed(digits)}${unit === "" ? "" : `\u00A0${unit}`}`;
}

/** Octets: 12.3 KB. */
export function octets(value: number): string {
  return /[KMGT]$/u.test(short(value)) ? `${short(value)}B` : `${short(value)}\u00A0B`;
}

/** How long: 12 s, 5 m 3 s, 2 h 4 m, 3 d 1 h. */
export function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** 14:03:27 */
export function clock(timeMs: number): string {
  const date = new Date(timeMs);
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** "PassNoRule": "no rule" and the like: the words of a reason behind its verdict. */
export function reasonWords(name: string): string {
  const words = name.replace(/^(?:Pass|Replace|Hold|Drop)(?=[A-Z])/u, "").replaceAll(/(?<=[a-z])(?=[A-Z])/gu, " ");
  return words.toLowerCase();
}

/** "tcp 192.0.2.7:40000 203.0.113.9:443" names a flow. */
export function flowKey({ protocol, source, destination }: FlowEnds): string {
  return `${protocol} ${source} ${destination}`;
}

interface FlowEnds {
  readonly protocol: string;
  readonly source: string;
  readonly destination: string;
}

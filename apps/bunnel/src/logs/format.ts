// One record as a line.
import type { LogLevel } from "@bunnel/profile";

export interface LogRecord {
  /** ISO 8601, of UTC. */
  readonly time: string;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A value that a line stays readable with. */
const PLAIN = /^[\w./:@+-]+$/u;

/** JSON whose first keys are always `time`, `level` and `event`. */
export function formatJson({ time, level, event, fields }: LogRecord): string {
  return JSON.stringify({ time, level, event, ...fields });
}

/** `2026-03-01T12:00:00.000Z info reload rules=3 source=bunnel.toml` */
export function formatHuman({ time, level, event, fields }: LogRecord): string {
  const told = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `${key}=${shownValue(value)}`);
  return [time, level, event, ...told].join(" ");
}

function shownValue(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return PLAIN.test(text) ? text : JSON.stringify(text);
}

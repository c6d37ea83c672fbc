// What a running service says of itself, line by line, on standard error: a service manager keeps it.
//
//   1. a level decides whether a line is said at all    2. so many in a second, the others are counted
//   3. host names are taken out, unless they were asked for    4. a line for people, or one of JSON
import type { LogLevel } from "@bunnel/profile";
import { formatHuman, formatJson, type LogRecord } from "./format.ts";
import { withoutHosts } from "./without-hosts.ts";

/** How it is logged; all of it can change while the service runs. */
export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "human" | "json";
  /** Host names may stand in it. */
  readonly hosts: boolean;
  /** Lines in a second. */
  readonly rateLimit: number;
}

/** What a line tells besides its event. Payload never does. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes a line without its end; false: it had no room for it. */
export type LogSink = (line: string, level: LogLevel) => boolean;

const RANKS: Readonly<Record<LogLevel, number>> = { error: 0, warning: 1, info: 2, debug: 3 };
const WINDOW_MS = 1000;

export class Log {
  #windowMs = -Infinity;
  #said = 0;
  #suppressed = 0;
  #suppressedSum = 0;

  constructor(
    private options: LogOptions,
    private readonly sink: LogSink,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /** Lines that were left out since the start, because they were too many. */
  get suppressed(): number {
    return this.#suppressedSum;
  }

  configure(options: LogOptions): void {
    this.options = options;
  }

  error(event: string, fields: LogFields = {}): void {
    this.#say("error", event, fields);
  }

  warning(event: string, fields: LogFields = {}): void {
    this.#say("warning", event, fields);
  }

  info(event: string, fields: LogFields = {}): void {
    this.#say("info", event, fields);
  }

  debug(event: string, fields: LogFields = {}): void {
    this.#say("debug", event, fields);
  }

  /** Says how many lines were left out of late. */
  flush(): void {
    if (this.#suppressed === 0) return;
    const lines = this.#suppressed;
    this.#suppressed = 0;
    this.#write("warning", "suppressed", { lines });
  }

  #say(level: LogLevel, event: string, fields: LogFields): void {
    if (RANKS[level] > RANKS[this.options.level]) return;
    const now = this.nowMs();
    if (now - this.#windowMs >= WINDOW_MS || now < this.#windowMs) {
      this.#windowMs = now;
      this.#said = 0;
      this.flush();
    }
    if (this.#said >= this.options.rateLimit) {
      this.#suppress();
      return;
    }
    this.#said++;
    this.#write(level, event, fields);
  }

  #write(level: LogLevel, event: string, fields: LogFields): void {
    const { format, hosts } = this.options;
    const told = hosts ? fields : withoutHosts(fields);
    const record: LogRecord = { time: new Date(this.nowMs()).toISOString(), level, event, fields: told };
    if (!this.sink(format === "json" ? formatJson(record) : formatHuman(record), level)) this.#suppress();
  }

  #suppress(): void {
    this.#suppressed++;
    this.#suppressedSum++;
  }
}

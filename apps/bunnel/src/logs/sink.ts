// Where lines go: standard error, with the level in front where the journal of systemd reads it (sd-daemon(3)).
import type { LogLevel } from "@bunnel/profile";
import type { LogSink } from "./log.ts";

/** linux/kern_levels.h, syslog(3) */
const PRIORITIES: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, info: 6, debug: 7 };
/** Somebody who does not read must not make us keep lines without end. */
const WAITING_MAX_BYTES = 256 * 1024;

interface Stream {
  readonly writableLength: number;
  write(text: string): unknown;
}

/** Lines to a stream. `journal`: systemd reads them, as it says by JOURNAL_STREAM (systemd.exec(5)). */
export function streamSink(stream: Stream, journal: boolean): LogSink {
  return (line, level) => {
    if (stream.writableLength > WAITING_MAX_BYTES) return false;
    stream.write(journal ? `<${PRIORITIES[level]}>${line}\n` : `${line}\n`);
    return true;
  };
}

/** Lines to standard error. */
export function standardError(): LogSink {
  return streamSink(process.stderr, process.env["JOURNAL_STREAM"] !== undefined);
}

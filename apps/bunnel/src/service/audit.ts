// A line of JSON for every privileged thing that the service does, in a file that only its owner reads.
import { closeSync, constants, fstatSync, openSync, renameSync, writeSync } from "node:fs";
import type { TunPlatform } from "@bunnel/backend";
import type { InboundTap, Interception } from "@bunnel/device";
import { ExitError } from "./exit.ts";

const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
const OWNER_ONLY = 0o600;
/** A file larger than this at a start becomes FILE.1, in the place of the one before. */
const SIZE_MAX_BYTES = 4 * 1024 * 1024;

/** Hears of each operation, too. */
export type Noted = (operation: string, details: Readonly<Record<string, unknown>>) => void;

export class AuditLog implements Disposable {
  #fd: number | undefined;

  private constructor(
    readonly path: string,
    fd: number,
    /** Called with each line too. */
    private readonly noted: Noted,
  ) {
    this.#fd = fd;
  }

  /** @throws ExitError when the file cannot be written */
  static open(path: string, noted: Noted = () => undefined): AuditLog {
    try {
      const fd = openLog(path);
      const { size } = fstatSync(fd);
      if (size <= SIZE_MAX_BYTES) return new AuditLog(path, fd, noted);
      closeSync(fd);
      renameSync(path, `${path}.1`);
      return new AuditLog(path, openLog(path), noted);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ExitError(`audit log ${path} cannot be written: ${why}`, 1, { cause });
    }
  }

  /** One line. A full disk does not end the service: the line is lost. */
  note(operation: string, details: Readonly<Record<string, unknown>> = {}): void {
    if (this.#fd === undefined) return;
    this.noted(operation, details);
    const line = JSON.stringify({ time: new Date().toISOString(), pid: process.pid, operation, ...details });
    try {
      writeSync(this.#fd, `${line}\n`);
    } catch (error) {
      if (!(error instanceof Error && "code" in error)) throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
  }
}

function openLog(path: string): number {
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW, OWNER_ONLY);
}

/** What a killed run had left and an operation has removed, line by line; none where it looked for nothing. */
export function leftBehind({ removed }: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Array.isArray(removed) ? removed : [];
}

/** The same platform, each of its privileged operations noted when it was done, or refused. */
export function audited(platform: TunPlatform, audit: AuditLog): TunPlatform {
  const noted = <Result>(operation: string, act: () => Result, tell: (result: Result) => object): Result => {
    try {
      const result = act();
      audit.note(operation, { ...tell(result) });
      return result;
    } catch (error) {
      audit.note(operation, { failed: error instanceof Error ? error.message : String(error) });
      throw error;
    }
  };
  return {
    ...platform,
    openDevice: (options) =>
      noted(
        "open device",
        () => platform.openDevice(options),
        ({ name, index }) => ({ name, index, mtuBytes: options.mtuBytes, offload: options.offload }),
      ),
    openEgress: () =>
      noted(
        "open raw sockets",
        () => platform.openEgress(),
        () => ({}),
      ),
    ...(platform.openTap && {
      openTap: () =>
        noted(
          "open inbound tap",
          () => open(platform),
          () => ({}),
        ),
    }),
    ...(platform.addAddresses && {
      addAddresses: (device, addresses) =>
        noted(
          "add addresses",
          () => platform.addAddresses?.(device, addresses),
          () => ({ device: device.name, addresses }),
        ),
    }),
    intercept: (method, options) => {
      const told = ({ uplinks, swept }: Interception): object => {
        const removed = swept?.removed ?? [];
        return { method, device: options.deviceName, uplinks, ...(removed.length > 0 && { removed }) };
      };
      const interception = noted("intercept", () => platform.intercept(method, options), told);
      const reselected = (device: string): void => audit.note("select anew", { method, device });
      return closing(interception, () => audit.note("stop intercepting", { method }), reselected);
    },
    sweep: () =>
      noted(
        "sweep",
        () => platform.sweep(),
        ({ removed }) => ({ removed }),
      ),
  };
}

function open(platform: TunPlatform): InboundTap {
  const tap = platform.openTap?.();
  if (tap === undefined) throw new Error(`platform ${platform.name}: expected a tap`);
  return tap;
}

/** Calls `closed` behind the first `close`, and `reselected` behind each other selection. */
function closing(interception: Interception, closed: () => void, reselected: (device: string) => void): Interception {
  let isOpen = true;
  const close = (): void => {
    interception.close();
    if (isOpen) closed();
    isOpen = false;
  };
  return {
    method: interception.method,
    ...(interception.swept && { swept: interception.swept }),
    get uplinks() {
      return interception.uplinks;
    },
    close,
    reselect: (options) => {
      if (interception.reselect?.(options) !== true) return false;
      reselected(options.deviceName);
      return true;
    },
    ...(interception.release && {
      release: () => {
        interception.release?.();
        if (isOpen) closed();
        isOpen = false;
      },
    }),
    [Symbol.dispose]: close,
  };
}

// Name servers in resolv.conf: the file is replaced as a whole and comes back as a whole.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DeviceError } from "@bunnel/device";
import { LockedState } from "../locked-state/index.ts";
import type { DnsPlaces } from "./dns-options.ts";
import { DNS_FORM, type DnsState, type FileState } from "./dns-state.ts";
import { renderResolvConf } from "./resolv-conf.ts";
import { lookAt, overwriteFile, replaceFile, restoreFile, type FormerFile } from "./replaced-file.ts";
import { isSplit, type CheckedDns } from "./settings.ts";

export const FILE_STATE = "dns-resolv.conf.json";

/** The file while our text stands in it. */
export class FileDns {
  readonly #state: LockedState<DnsState>;
  readonly #interfaceName: string;
  readonly #optionsText: string;
  #kept: FileState;

  private constructor(state: LockedState<DnsState>, kept: FileState, interfaceName: string, optionsText: string) {
    this.#state = state;
    this.#kept = kept;
    this.#interfaceName = interfaceName;
    this.#optionsText = optionsText;
  }

  /**
   * @throws DeviceError E_DEVICE_BUSY while somebody else holds the file, E_UNSUPPORTED for servers that are meant for
   * some names only, E_DEVICE_DENIED where it cannot be written
   */
  static hold(interfaceName: string, dns: CheckedDns, { resolvConfPath: path, stateFolder }: DnsPlaces): FileDns {
    mustBeForAll(dns, path);
    const state = LockedState.claim(join(stateFolder, FILE_STATE), DNS_FORM);
    if (!state) throw new DeviceError("E_DEVICE_BUSY", `${path}: expected it free, found it held already`);
    try {
      putBack(state.read());
      const kept: FileState = { backend: "resolv.conf", path, former: lookAt(path), texts: [] };
      const held = new FileDns(state, kept, interfaceName, readThrough(path));
      held.#put(dns);
      return held;
    } catch (error) {
      state[Symbol.dispose]();
      throw error;
    }
  }

  /** @throws DeviceError E_DEVICE_STATE when somebody else has changed the file since */
  change(dns: CheckedDns): void {
    mustBeForAll(dns, this.#kept.path);
    if (!isOurs(this.#kept)) {
      throw new DeviceError("E_DEVICE_STATE", `${this.#kept.path}: expected our text, found that somebody changed it`);
    }
    this.#put(dns);
  }

  /** False: somebody else has changed the file since, and it was left alone. */
  restore(): boolean {
    const restored = putBack(this.#kept);
    this.#state.clear();
    this.#state[Symbol.dispose]();
    return restored;
  }

  /** The texts before and after are both known while the one takes the other's place. */
  #put(dns: CheckedDns): void {
    const { path, former, texts } = this.#kept;
    const text = renderResolvConf(dns, this.#interfaceName, this.#optionsText);
    this.#keep([...texts, text]);
    try {
      if (replaceFile(path, text) === "mounted") overwriteFile(path, Buffer.from(text));
    } catch (error) {
      // What is half done is ours; what was never begun has our text nowhere.
      if (texts.length === 0 && isOurs(this.#kept)) restoreFile(path, former);
      if (texts.length === 0) this.#state.clear();
      throw error;
    }
    this.#keep([text]);
  }

  #keep(texts: readonly string[]): void {
    this.#kept = { ...this.#kept, texts };
    this.#state.write(this.#kept);
  }
}

/** Brings the former file back, unless somebody else has changed it since. True: it is as it was. */
export function putBack(state: DnsState | undefined): boolean {
  if (state?.backend !== "resolv.conf" || !isOurs(state)) return false;
  restoreFile(state.path, state.former);
  return true;
}

function isOurs({ path, former, texts }: FileState): boolean {
  const current = lookAt(path);
  if (current.kind !== "file") return false;
  const octets = Buffer.from(current.base64, "base64");
  return texts.some((text) => octets.equals(Buffer.from(text)) || octets.equals(halfDone(text, former)));
}

/** A text that was put over a longer one in place, by a process that was killed before it could cut off the rest. */
function halfDone(text: string, former: FormerFile): Buffer {
  const ours = Buffer.from(text);
  const old = former.kind === "file" ? Buffer.from(former.base64, "base64") : Buffer.alloc(0);
  return Buffer.concat([ours, old.subarray(ours.length)]);
}

function mustBeForAll(dns: CheckedDns, path: string): void {
  if (!isSplit(dns)) return;
  throw new DeviceError(
    "E_UNSUPPORTED",
    `${path}: expected servers for all names, found some names or no default route`,
  );
}

function readThrough(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

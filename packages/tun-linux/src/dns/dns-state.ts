// What is kept about name servers that were changed, so that a later process can put them back.
import type { FormerFile } from "./replaced-file.ts";

const VERSION = 1;

/** A link that resolved was told about. */
export interface LinkState {
  readonly backend: "resolved";
  readonly index: number;
  readonly name: string;
  /** The network namespace in which the index counts. */
  readonly namespace: string;
}

/** A file that was replaced. */
export interface FileState {
  readonly backend: "resolv.conf";
  readonly path: string;
  readonly former: FormerFile;
  /** Texts of ours, one of which stands there; any other text found later is somebody else's. */
  readonly texts: readonly string[];
}

export type DnsState = LinkState | FileState;

/** The state as it is written. */
export function versioned(state: DnsState): DnsState & { readonly version: number; readonly pid: number } {
  return { ...state, version: VERSION, pid: process.pid };
}

/** Undefined for what is no state of this version. */
export function parseDnsState(value: unknown): DnsState | undefined {
  if (!isRecord(value) || value["version"] !== VERSION) return undefined;
  const { backend, index, name, namespace, path, former, texts } = value;
  if (backend === "resolved") {
    if (typeof index !== "number" || typeof name !== "string" || typeof namespace !== "string") return undefined;
    return { backend, index, name, namespace };
  }
  if (backend !== "resolv.conf" || typeof path !== "string" || !isFormer(former) || !isTexts(texts)) return undefined;
  return { backend, path, former, texts };
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function isFormer(value: unknown): value is FormerFile {
  if (!isRecord(value)) return false;
  const { kind, target, base64, mode, uid, gid } = value;
  if (kind === "absent") return true;
  if (kind === "link") return typeof target === "string" && target !== "";
  const areNumbers = [mode, uid, gid].every((number) => Number.isInteger(number) && Number(number) >= 0);
  return kind === "file" && typeof base64 === "string" && areNumbers;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// What is kept about name servers that were changed, so that a later process can put them back.
import { isRecord, type StateForm } from "../locked-state/index.ts";
import type { FormerFile } from "./replaced-file.ts";

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

export const DNS_FORM: StateForm<DnsState> = {
  version: 1,
  parse({ backend, index, name, namespace, path, former, texts }) {
    if (backend === "resolved") {
      if (typeof index === "number" && typeof name === "string" && typeof namespace === "string") {
        return { backend, index, name, namespace };
      }
      return "index, name and namespace of a link";
    }
    if (backend !== "resolv.conf") return 'the backend "resolved" or "resolv.conf"';
    if (typeof path === "string" && isFormer(former) && isTexts(texts)) return { backend, path, former, texts };
    return "path, former file and texts of ours";
  },
};

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

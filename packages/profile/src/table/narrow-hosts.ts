// Lists of host names, canonical, and what two of them share.
import { Fault, ProfileError } from "../errors.ts";
import { hostEntryParts, readHostName } from "../host-name.ts";
import { listEntries, type ListFile } from "../profile/profile.ts";

/** Where hosts are listed. */
export interface HostLists {
  readonly hosts: readonly string[];
  readonly hostsFile?: ListFile;
}

/**
 * Sorted, each once, without those below another: a name alone means itself and everything below it.
 * @throws ProfileError E_PROFILE for a host that is no name, which `parseProfile` lets nobody write
 */
export function canonicalHosts(owner: string, { hosts, hostsFile }: HostLists): readonly string[] {
  const entries = new Set<string>();
  for (const entry of hosts) entries.add(canonicalHost(owner, entry));
  for (const entry of listEntries(hostsFile)) entries.add(canonicalHost(owner, entry));
  return [...entries].filter((entry) => !isBelowAnother(entries, entry)).toSorted();
}

/** What is in both of two canonical lists; the narrower of two entries counts. */
export function sharedHosts(a: readonly string[], b: readonly string[]): readonly string[] {
  const [inA, inB] = [new Set(a), new Set(b)];
  const narrow = [
    ...a.filter((entry) => inB.has(entry) || isBelowAnother(inB, entry)),
    ...b.filter((entry) => isBelowAnother(inA, entry)),
  ];
  return [...new Set(narrow)].toSorted();
}

function isBelowAnother(entries: ReadonlySet<string>, entry: string): boolean {
  if (entry.startsWith("=") && entries.has(entry.slice(1))) return true;
  for (let dot = entry.indexOf("."); dot >= 0; dot = entry.indexOf(".", dot + 1)) {
    if (entries.has(entry.slice(dot + 1))) return true;
  }
  return false;
}

/** `all:` says only that a public suffix was meant. */
function canonicalHost(owner: string, entry: string): string {
  const { sign, text } = hostEntryParts(entry);
  const name = readHostName(text);
  if (!(name instanceof Fault)) return sign === "=" ? `=${name}` : name;
  throw new ProfileError("E_PROFILE", [{ message: `${owner}: hosts: ${name.text}` }], "profile");
}

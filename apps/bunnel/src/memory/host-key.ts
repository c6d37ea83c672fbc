// A host has a strategy for what goes over TCP, and may have one of its own for QUIC: each fails and works apart. One
// for QUIC alone is written "quic: …" and nothing else; that is how the memory tells them.
import { printStrategy, ProfileError, readRuleStrategy } from "@bunnel/profile";
import type { WatchedKind } from "./watch/seen.ts";

/** No host name has a colon. */
const QUIC = "quic:";

/** By what a host's strategy for a kind of message is kept. */
export function hostKey(host: string, kind: WatchedKind): string {
  return kind === "quic" ? QUIC + host : host;
}

/** The host of a key, and whether it is for QUIC alone. */
export function readHostKey(key: string): { readonly host: string; readonly isQuic: boolean } {
  const isQuic = key.startsWith(QUIC);
  return { host: isQuic ? key.slice(QUIC.length) : key, isQuic };
}

/** The part of a strategy that is for QUIC, as one of its own; undefined: it has none. */
export function quicPart(text: string): string | undefined {
  const clauses = clausesOf(text).filter(({ kind }) => kind === "quic");
  return clauses.length === 0 ? undefined : printStrategy({ clauses });
}

/** Whether a strategy does something to QUIC alone. */
export function isForQuic(text: string): boolean {
  const clauses = clausesOf(text);
  return clauses.length > 0 && clauses.every(({ kind }) => kind === "quic");
}

/** None of a preset that there is no more. */
function clausesOf(text: string) {
  try {
    return readRuleStrategy(text).strategy.clauses;
  } catch (error) {
    if (error instanceof ProfileError) return [];
    throw error;
  }
}

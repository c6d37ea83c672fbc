// The strategies that may be tried: those that the profile names, or the catalogue's. Each is written into a table once
// before, so that one which cannot be written never comes near traffic.
import { encodeRules, packetRefusal, ProfileError, readRuleStrategy, type Profile } from "@bunnel/profile";
import { PRESET_PREFIX, PRESETS } from "@bunnel/profile";
import { quicPart } from "./host-key.ts";
import { keptStrategy } from "./names.ts";
import type { Candidate } from "./watch/candidates.ts";

export interface Candidates {
  readonly usable: readonly Candidate[];
  /** What they do to QUIC, as strategies of their own. */
  readonly quic: readonly Candidate[];
  /** Those that this profile cannot carry out, such as one with a payload that it does not have. */
  readonly refused: readonly string[];
}

export function candidatesOf(profile: Profile): Candidates {
  const named = profile.memory.candidates;
  const texts = named.length > 0 ? named : PRESETS.map(({ name }) => PRESET_PREFIX + name);
  const usable: Candidate[] = [];
  const refused: string[] = [];
  for (const text of texts.map(keptStrategy)) {
    const { strategy } = readRuleStrategy(text);
    if (canBeWritten(profile, { text, strategy })) usable.push({ text, strategy });
    else refused.push(text);
  }
  const parts = new Set(usable.flatMap(({ text }) => quicPart(text) ?? []));
  const quic = [...parts].map((text) => ({ text, strategy: readRuleStrategy(text).strategy }));
  return { usable, quic, refused };
}

function canBeWritten(profile: Profile, { strategy }: Candidate): boolean {
  const [first] = profile.rules;
  if (first === undefined) return true;
  const { hostsFile: _hosts, addressesFile: _addresses, preset: _preset, ...plain } = first;
  // What sockets alone can carry out needs nothing that a table could lack.
  const clauses = strategy.clauses.map((clause) => {
    return { ...clause, operations: clause.operations.filter((each) => packetRefusal(each) === undefined) };
  });
  const base = { ...plain, enabled: true, hosts: [], addresses: [] };
  const rule = { ...base, egress: "packet" as const, strategy: { clauses } };
  try {
    encodeRules({ ...profile, rules: [rule] });
    return true;
  } catch (error) {
    if (error instanceof ProfileError) return false;
    throw error;
  }
}

// What a profile comes to before anything is opened: what of it is for packets, their rule table, and whether somebody
// carries out what that table asks for.
import type { Profile } from "@bunnel/profile";
import type { BackendConfig } from "./backend.ts";
import { needsAnswers } from "./dns/needs-answers.ts";
import { BackendError } from "./errors.ts";
import type { TunPlatform } from "./platform.ts";
import { wantsDatagrams } from "./stream/stream-link.ts";
import { tableOf } from "./stream/stream-side.ts";

/** See `TunPlatform.packetProfile`. */
export function packetProfileOf(platform: TunPlatform, profile: Profile): Profile {
  return platform.packetProfile?.(profile) ?? profile;
}

/** What the engine works by. @throws BackendError E_NOT_SUPPORTED for rules that nobody here carries out */
export function preparedOf(
  platform: TunPlatform,
  { engine: { profile }, stream, answerDns }: BackendConfig,
): { readonly packets: Profile; readonly table: Uint8Array } {
  const packets = packetProfileOf(platform, profile);
  const table = tableOf(packets, stream !== undefined);
  refuseUnanswered(table, answerDns !== undefined);
  refuseUncarried(packets, stream?.openDatagrams !== undefined);
  return { packets, table };
}

/** Queries that go nowhere and that nobody answers would be lost. */
export function refuseUnanswered(table: Uint8Array, isAnswered: boolean): void {
  if (isAnswered || !needsAnswers(table)) return;
  throw new BackendError("E_NOT_SUPPORTED", "a rule with dns: doh or redirect needs somebody who answers: nobody does");
}

/** Datagrams that go nowhere would be lost. */
export function refuseUncarried(profile: Profile, isCarried: boolean): void {
  if (isCarried || !wantsDatagrams(profile)) return;
  throw new BackendError("E_NOT_SUPPORTED", "a rule that carries udp or icmp needs somebody with sockets: nobody has");
}

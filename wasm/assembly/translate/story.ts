// The story of a packet where flows are translated:
//   1. to a peer of the link, from the listener: an answer, which goes to the client as if from the server
//   2. from or to the link otherwise: dropped, because sent on it would come up again
//   3. of a flow that has a translation: to the listener as if from the peer
//   4. the first of a flow that a rule wants: it gets a translation; a SYN may be held until the host has answered
//   5. anything else is not ours, a flow that began before us among it
import {
  Counter,
  LaneFlag,
  MetaFlag,
  LANE_WANTED,
  Reason,
  RX_MAX,
  TRANSLATE_CAPACITY,
  TRANSLATE_CLOSED,
  TRANSLATE_HOLDS,
  TRANSLATE_SYN_BYTES,
  TranslationState,
  TX_MAX,
  verdictOf,
  WORD_WANTED,
} from "@bunnel/abi/src/index";
import { finishChecksum, setTransportChecksum } from "../emit/checksum";
import { Flow, track } from "../flow/table";
import { txCount, txList } from "../mem/arena";
import { count, countReason, lane, laneFlags, laneWord, setLaneWord, countRule } from "../mem/lane";
import { Meta } from "../mem/meta";
import { NOT_YET } from "../story/pass";
import { Ipv4 } from "../wire/ipv4";
import { Ipv6 } from "../wire/ipv6";
import { parse, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP } from "../wire/packet";
import { TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN } from "../wire/tcp";
import { Vnet } from "../wire/vnet";
import { answerReset } from "./answer";
import { streamRule } from "./choose";
import { Ends } from "./ends";
import { Translation } from "./entry";
import { NO_ERROR, translateError } from "./icmp";
import { entryOfPeer, isOfLink, listenerPort, localAddressAt, regionWord } from "./region";
import { rewrite } from "./rewrite";
import { find, FlowKey, LOCKED, make, NONE, release, sweep } from "./table";

/** The packet goes the way of those that are not translated. */
export const NOT_OURS: i32 = -3;

const TCP_CHECKSUM: i32 = 16;
const OPENING: u32 = TCP_SYN | TCP_ACK | TCP_RST | TCP_FIN;

/** Before a burst: what is over goes. */
export function beginTranslations(now: u32): void {
  if (isTranslating()) sweep(now);
}

/** Whether this lane translates at all. */
export function isTranslating(): bool {
  return (laneFlags & LaneFlag.Translate) != 0 && regionWord(TRANSLATE_CAPACITY) != 0;
}

/** Translates the packet, lists it and enters it into the books. What became of it, NOT_YET, or NOT_OURS. */
export function enterTranslated(p: usize, bytes: i32, m: Meta, rules: usize, now: u32): i32 {
  const count0 = txCount;
  const reason = translate(p, bytes, m, rules, now);
  if (reason == NOT_OURS || reason == NOT_YET) return reason;
  m.setBooks(reason, verdictOf(reason), count0, txCount - count0);
  countReason(reason);
  return reason;
}

/** Translates the packet and lists it. In the flow table, and in the record, stand client and server. */
function translate(p: usize, bytes: i32, m: Meta, rules: usize, now: u32): i32 {
  // A packet that was changed could not be tried again.
  if (txCount + 1 >= TX_MAX) return NOT_YET;
  const isLink = isOfLink(p, bytes);
  if (m.family == 0 || (m.flags & MetaFlag.Fragment) != 0) return isLink ? Reason.DropNoTranslation : NOT_OURS;
  const protocol: u32 = m.protocol;
  // The other family's number is a protocol that nobody has looked into.
  if (protocol == (m.family == 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6)) {
    const done = translateError(p, m, isLink, FlowKey.current);
    if (done != NO_ERROR) return send(p, bytes, false);
    return isLink ? Reason.DropNoTranslation : NOT_OURS;
  }
  if (isLink) return inbound(p, bytes, m, now);
  if (protocol != PROTOCOL_TCP || listenerPort(m.family) == 0) return NOT_OURS;
  return outbound(p, bytes, m, rules, now);
}

/** An answer of the listener. */
function inbound(p: usize, bytes: i32, m: Meta, now: u32): i32 {
  const family: u32 = m.family;
  const port: u32 = m.protocol == PROTOCOL_TCP ? listenerPort(family) : 0;
  const source: usize = family == 4 ? p + 12 : Ipv6.at(p).sourceAt;
  const destination: usize = family == 4 ? p + 16 : Ipv6.at(p).destinationAt;
  if (port == 0 || m.sourcePort != <u16>port || !isLocal(source, family)) return Reason.DropNoTranslation;
  const index = entryOfPeer(family, destination, m.destinationPort);
  if (index == NONE) return Reason.DropNoTranslation;
  const entry = Translation.of(index);
  if (entry.family != family || <i32>entry.state < TranslationState.Open) return Reason.DropNoTranslation;
  entry.note(m.tcpFlags, true, now);
  const ports = rotl<u32>(entry.ports, 16);
  const done = change(p, bytes, m, entry.serverAt, entry.clientAt, ports);
  if (done == Reason.ReplaceTranslated && (laneFlags & LaneFlag.Track) != 0 && parse(p, bytes, m)) track(p, m, now);
  return done;
}

function isLocal(address: usize, family: u32): bool {
  const local = localAddressAt(family);
  if (family == 4) return load<u32>(address) == load<u32>(local);
  return load<u64>(address) == load<u64>(local) && load<u64>(address, 8) == load<u64>(local, 8);
}

/** A packet of a client. */
function outbound(p: usize, bytes: i32, m: Meta, rules: usize, now: u32): i32 {
  const key = FlowKey.current;
  const family: u32 = m.family;
  const source: usize = family == 4 ? p + 12 : Ipv6.at(p).sourceAt;
  const destination: usize = family == 4 ? p + 16 : Ipv6.at(p).destinationAt;
  key.set(family, m.protocol, source, destination, load<u32>(p + m.l4Offset));
  const index = find(key);
  const isOpening = (m.tcpFlags & OPENING) == TCP_SYN;
  if (index == NONE) {
    if (rules == 0 || !isOpening) return NOT_OURS;
    return begin(p, bytes, m, key, rules, now);
  }
  const entry = Translation.of(index);
  if (isOpening && (entry.isn != m.seq || <i32>entry.state > TranslationState.Open)) {
    // The client has forgotten the old connection. Of one whose SYN is held there is nothing to forget.
    if (entry.state == TranslationState.Awaited) return Reason.DropAwaited;
    if (!release(index)) return Reason.DropTranslationsFull;
    return begin(p, bytes, m, key, rules, now);
  }
  if (entry.state == TranslationState.Awaited) return Reason.DropAwaited;
  entry.note(m.tcpFlags, false, now);
  return toListener(p, bytes, m, entry, index, now);
}

function toListener(p: usize, bytes: i32, m: Meta, entry: Translation, index: i32, now: u32): i32 {
  if ((laneFlags & LaneFlag.Track) != 0) trackClient(p, m, entry, now);
  const ends = Ends.of(entry, index);
  return change(p, bytes, m, ends.peerAt, ends.localAt, ends.ports);
}

function trackClient(p: usize, m: Meta, entry: Translation, now: u32): void {
  const flow = track(p, m, now);
  if (flow != 0) Flow.of(flow).rule = entry.rule;
}

/** The first packet of a flow. */
function begin(p: usize, bytes: i32, m: Meta, key: FlowKey, rules: usize, now: u32): i32 {
  const rule = rules == 0 || regionWord(TRANSLATE_CLOSED) != 0 ? -1 : streamRule(rules, p, m, now);
  if (rule < 0) return NOT_OURS;
  const holds = regionWord(TRANSLATE_HOLDS) != 0;
  if (holds && <i32>m.payloadOffset > TRANSLATE_SYN_BYTES) return NOT_OURS;
  // The host has not looked for longer than a burst: the client tries again.
  if (holds && <i32>laneWord(WORD_WANTED) >= RX_MAX) return Reason.DropAwaited;
  const index = make(key, holds ? TranslationState.Awaited : TranslationState.Open, rule, now);
  if (index < 0) {
    // Who does not get the lock may try again; who finds the table full is told.
    if (index == LOCKED) return Reason.DropTranslationsFull;
    count(Counter.TranslationsRefused, 1);
    answerReset(p, m.family, m.l4Offset, m.seq);
    return Reason.DropTranslationsFull;
  }
  const entry = Translation.of(index);
  entry.isn = m.seq;
  m.rule = <u16>(rule + 1);
  countRule(m.rule);
  if (!holds) return toListener(p, bytes, m, entry, index, now);
  if ((laneFlags & LaneFlag.Track) != 0) trackClient(p, m, entry, now);
  hold(p, m, entry, index);
  const wanted = laneWord(WORD_WANTED);
  store<u32>(lane + LANE_WANTED + ((<usize>wanted) << 2), index);
  setLaneWord(WORD_WANTED, wanted + 1);
  return Reason.HoldAwaited;
}

/** Keeps the SYN's headers; data on it is left out, and comes again when it was not acknowledged (RFC 7413). */
function hold(p: usize, m: Meta, entry: Translation, index: i32): void {
  const at = Translation.synAt(index);
  const bytes: i32 = m.payloadOffset;
  memory.copy(at, p, bytes);
  if (m.family == 4) Ipv4.at(at).setLengthIdTtl(bytes, Ipv4.at(at).id, Ipv4.at(at).ttl);
  else Ipv6.at(at).setLengthHopLimit(bytes, Ipv6.at(at).hopLimit);
  setTransportChecksum(at, bytes, m.family, m.protocol, m.l4Offset);
  entry.synBytes = <u16>bytes;
}

/** Gives the packet its new ends and lists it. */
function change(p: usize, bytes: i32, m: Meta, source: usize, destination: usize, ports: u32): i32 {
  const l4Offset: i32 = m.l4Offset;
  const l4Bytes = <i32>m.totalBytes - l4Offset;
  const isPartial = (laneFlags & LaneFlag.RxVnet) != 0 && Vnet.of(p).needsChecksum;
  // Finished anywhere else, it would damage what we have just written.
  if (isPartial && !isTransportChecksum(p, m)) return Reason.DropBadOffload;
  rewrite(p, m.family, l4Offset, l4Bytes, source, destination, ports, isPartial);
  return send(p, bytes, isPartial);
}

/** Whether the partial checksum is that of the transport header. */
function isTransportChecksum(p: usize, m: Meta): bool {
  const vnet = Vnet.of(p);
  return vnet.checksumStart == <i32>m.l4Offset && vnet.checksumOffset == TCP_CHECKSUM;
}

/**
 * Lists a translated packet. A super-packet of TCP stays whole: it goes to an address of this machine, by way of an
 * interface that takes 64 KiB, and only its checksum has to be finished.
 */
function send(p: usize, bytes: i32, isPartial: bool): i32 {
  const offload = laneFlags & (LaneFlag.RxVnet | LaneFlag.TxVnet);
  if (isPartial && offload == LaneFlag.RxVnet && !finishChecksum(p, bytes, Vnet.of(p))) return Reason.DropBadOffload;
  // From offload to offload the header stays what it is.
  if (offload == LaneFlag.RxVnet || offload == LaneFlag.TxVnet) Vnet.of(p).clear();
  txList(p, bytes);
  return Reason.ReplaceTranslated;
}

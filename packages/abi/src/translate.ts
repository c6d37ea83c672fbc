// The translations: flows whose packets go to a listener of this machine instead of where they wanted to go.
//
//   client A:p → server B:q   becomes   peer T:n → listener L:l        and L:l → T:n becomes B:q → A:p
//
// Entry i stands for peer T_k:n with k = i / ports and n = TRANSLATE_PORT_FIRST + i % ports, in both families, so that
// an answer finds its entry without a search. A packet of the client finds it by a hash with the flow table's secret.
//
//   0x000_0000  words          4 KiB   (TRANSLATE_… below)
//   0x000_1000  (spare)       60 KiB
//   0x001_0000  free ring    512 KiB   u32 × entries: those freed first are taken first
//   0x009_0000  buckets      512 KiB   u32 × entries: first entry of the chain plus one; 0: none
//   0x011_0000  entries        8 MiB   64 × entries
//   0x091_0000  held SYNs     16 MiB   128 × entries: headers of SYNs that wait for the host's answer

/** Translations of one memory; a power of two. */
export const TRANSLATIONS_MAX: i32 = 131072;
/** Ports of one peer address: from TRANSLATE_PORT_FIRST to 65535. */
export const TRANSLATE_PORTS_MAX: i32 = 64512;
export const TRANSLATE_PORT_FIRST: i32 = 1024;
/** Entries of one chain that are looked at. */
export const TRANSLATE_CHAIN_MAX: i32 = 64;
/** Turns that a lane waits for the table's lock. */
export const TRANSLATE_SPINS_MAX: i32 = 4096;
/** Answers that wait for a lane; a power of two. */
export const ADMISSIONS_MAX: i32 = 256;
/** Octets of a SYN that is held: headers and options of both families. */
export const TRANSLATE_SYN_BYTES: i32 = 128;

/** A connection without a packet for so long is forgotten: 2 hours 4 minutes (RFC 5382 section 5, REQ-5). */
export const TRANSLATE_IDLE_MS: i32 = 7440000;
/** A SYN that waits for the host's answer: as long as Linux' client goes on trying (tcp_syn_retries 6). */
export const TRANSLATE_AWAITED_MS: i32 = 130000;
/** A connection that both sides have ended: Linux' TIME-WAIT (TCP_TIMEWAIT_LEN, include/net/tcp.h). */
export const TRANSLATE_ENDED_MS: i32 = 60000;
/** One that was reset. */
export const TRANSLATE_RESET_MS: i32 = 10000;
/** How often a lane looks for what is over, and at how many entries each time. */
export const TRANSLATE_SWEEP_MS: i32 = 1000;
export const TRANSLATE_SWEEP_ENTRIES: i32 = 8192;
/** How soon a full table is searched again for what can be given up. */
export const TRANSLATE_FULL_SWEEP_MS: i32 = 100;

export const TRANSLATE_FREE: i32 = 0x10000;
export const TRANSLATE_BUCKETS: i32 = TRANSLATE_FREE + TRANSLATIONS_MAX * 4;
export const TRANSLATE_ENTRIES: i32 = TRANSLATE_BUCKETS + TRANSLATIONS_MAX * 4;
export const TRANSLATE_ENTRY_BYTES: i32 = 64;
export const TRANSLATE_SYNS: i32 = TRANSLATE_ENTRIES + TRANSLATIONS_MAX * TRANSLATE_ENTRY_BYTES;
export const TRANSLATE_BYTES: i32 = TRANSLATE_SYNS + TRANSLATIONS_MAX * TRANSLATE_SYN_BYTES;

/** u32 each, from the region's start. Who changes the table holds the lock. */
export const TRANSLATE_LOCK: i32 = 0;
/** Entries in use by this host, up to TRANSLATIONS_MAX; 0: nothing is translated. */
export const TRANSLATE_CAPACITY: i32 = 4;
/** Places of the free ring that were read and written, modulo 2^32. */
export const TRANSLATE_FREE_TAKEN: i32 = 8;
export const TRANSLATE_FREE_GIVEN: i32 = 12;
/** Ports of one peer address, up to TRANSLATE_PORTS_MAX. */
export const TRANSLATE_PORTS: i32 = 16;
/** Entry that the next sweep begins with, when the last one was, and the last of a full table. */
export const TRANSLATE_SWEPT_TO: i32 = 20;
export const TRANSLATE_SWEPT_MS: i32 = 24;
export const TRANSLATE_FULL_SWEPT_MS: i32 = 28;
/** Ports of the listeners, in this machine's order; 0: flows of this kind are not translated. */
export const TRANSLATE_TCP4: i32 = 32;
export const TRANSLATE_TCP6: i32 = 36;
/** 1: clients may have the device's own addresses; what these send elsewhere than to the link is theirs. */
export const TRANSLATE_OWN_CLIENTS: i32 = 40;
/** 1: no flow begins any more; those that there are go on. */
export const TRANSLATE_CLOSED: i32 = 44;
/** The device's own IPv4 address, its mask, and the first peer, in network order. */
export const TRANSLATE_LOCAL4: i32 = 48;
export const TRANSLATE_MASK4: i32 = 52;
export const TRANSLATE_PEER4: i32 = 56;
/** 1: a SYN is held until the host has answered; 0: it goes to the listener at once. */
export const TRANSLATE_HOLDS: i32 = 60;
/** The device's own IPv6 address, of a /64, and the first peer: 16 octets each. */
export const TRANSLATE_LOCAL6: i32 = 64;
export const TRANSLATE_PEER6: i32 = 80;

/** One translation. 16 octets each; an IPv4 address has the first four, the rest is 0. */
export const TRANSLATION_CLIENT: i32 = 0;
export const TRANSLATION_SERVER: i32 = 16;
/** u16 each, in network order: the ports of the client and of the server */
export const TRANSLATION_PORTS: i32 = 32;
/** u8 each */
export const TRANSLATION_PROTOCOL: i32 = 36;
export const TRANSLATION_FAMILY: i32 = 37;
/** u8: TranslationState */
export const TRANSLATION_STATE: i32 = 38;
/** u8: the lane that holds its SYN */
export const TRANSLATION_LANE: i32 = 39;
/** u32: milliseconds of the host's clock, modulo 2^32 */
export const TRANSLATION_LAST_SEEN: i32 = 40;
/** u32: next entry of the chain, plus one */
export const TRANSLATION_NEXT: i32 = 44;
/** u32: the client's first sequence number */
export const TRANSLATION_ISN: i32 = 48;
/** u16: octets of the SYN that is held */
export const TRANSLATION_SYN_BYTES: i32 = 52;
/** u8 each: which side has sent a FIN */
export const TRANSLATION_CLIENT_ENDED: i32 = 54;
export const TRANSLATION_SERVER_ENDED: i32 = 55;
/** u32: its chain */
export const TRANSLATION_BUCKET: i32 = 56;
/** u16: rule plus one */
export const TRANSLATION_RULE: i32 = 60;

export enum TranslationState {
  Free = 0,
  /** Its SYN waits until the host says whether the server can be reached. */
  Awaited = 1,
  Open = 2,
  /** Both sides have sent a FIN. */
  Ended = 3,
  Reset = 4,
}

/** An answer as it waits for its lane: translation << ADMISSION_BITS | Admission. */
export const ADMISSION_BITS: i32 = 3;

/** What a host answers to a SYN that is held. */
export enum Admission {
  /** It goes to the listener. */
  Connected = 1,
  /** The client gets a reset. */
  Refused = 2,
  /** The client gets an ICMP error: host unreachable. */
  Unreachable = 3,
  /** The client hears nothing, as from a server that does not answer. */
  Silent = 4,
}

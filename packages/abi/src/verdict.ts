// What becomes of a packet, and why. Traffic is never an error: each packet gets one verdict and one counted reason.

export enum Verdict {
  /** Leaves as it came (its checksum finished, where the kernel left that to the device). */
  Pass = 0,
  /** Other packets leave in its place. */
  Replace = 1,
  /** Kept until its message is whole or its deadline is over. */
  Hold = 2,
  /** Goes nowhere; the reason says why. */
  Drop = 3,
}

/** One counter each. The range tells the verdict: 0–31 Pass, 32–47 Replace, 48–55 Hold, 56–63 Drop. */
export enum Reason {
  /** Carries nothing that a rule could ask for. */
  PassOrdinary = 0,
  /** Not an IP packet that can be read to its end. */
  PassMalformed = 1,
  /** A fragment: only a whole packet can be planned. */
  PassFragment = 2,
  /** A message whose host name could not be found in this packet. */
  PassNoHost = 3,
  /** A message that no rule asks for. */
  PassNoRule = 4,
  /** A rule says: leave it alone. */
  PassExcluded = 5,
  /** The strategy found nothing that it could do. */
  PassNoPlan = 6,
  /** No rule table is loaded. */
  PassNoRules = 7,
  /** Was held for a message that did not become whole in time. */
  PassHeldInVain = 8,

  /** Planned and sent as the strategy says. */
  ReplacePlanned = 32,
  /** A super-packet, cut into ordinary ones for a way out that takes no super-packets. */
  ReplaceSegmented = 33,
  /** Of a flow that is translated, in either direction. */
  ReplaceTranslated = 34,
  /** A datagram or an echo request that the host carries on by a socket. */
  ReplaceCarried = 35,

  /** A message that is not whole yet. */
  HoldMessage = 48,
  /** A SYN whose server the host tries to reach first. */
  HoldAwaited = 49,

  /** A super-packet that cannot be cut: its virtio header contradicts it. */
  DropBadOffload = 56,
  /** IPv6 of link-local scope: the device's own chatter, which must not leave by another link. */
  DropLinkScope = 57,
  /** A rule says so. */
  DropRule = 58,
  /** A DNS query that the host answers in its server's place. */
  DropAnswered = 59,
  /** The same SYN again, while the first is held. */
  DropAwaited = 60,
  /** A SYN for which no translation was free; the client gets a reset. */
  DropTranslationsFull = 61,
  /** To an address that stands for translated flows, of none that there is; or from our own address. */
  DropNoTranslation = 62,
  /** A SYN that was held, whose server the host could not reach or did not answer about in time. */
  DropRefused = 63,
}

export const REASONS_MAX: i32 = 64;
export const REASON_REPLACE_FIRST: i32 = 32;
export const REASON_HOLD_FIRST: i32 = 48;
export const REASON_DROP_FIRST: i32 = 56;

/** The verdict that a reason belongs to. */
export function verdictOf(reason: i32): i32 {
  if (reason >= REASON_DROP_FIRST) return Verdict.Drop;
  if (reason >= REASON_HOLD_FIRST) return Verdict.Hold;
  if (reason >= REASON_REPLACE_FIRST) return Verdict.Replace;
  return Verdict.Pass;
}

// One step of a plan: send these octets, for real or as a decoy, in this guise.
//
// Steps are copied and change places in sixteens of octets, a moment after they were written. A processor that loads
// sixteen octets of which it wrote a part just before waits until that part has gone to the cache, so the fields that
// nearly every pass sets are written in sixteens, too.

export const STEP_REAL: u32 = 0;
export const STEP_FAKE: u32 = 1;
export const STEP_BYTES: usize = 64;
/** A step's TCP flags are those of the packet at hand. */
export const FLAGS_AS_IS: u16 = 0xffff;

@unmanaged
export class Step {
  /**
   * Octets of the content, from `from` up to `to` (not included); their sequence number is that of the message plus
   * `from`.
   */
  from: i32;
  to: i32;
  kind: u8;
  /** Decoy */
  decoy: u8;
  /** Hop limit for Fooling.Ttl; for a real step 0: as it is. */
  ttl: u8;
  /** OpFlag bits that concern the content. */
  flags: u8;
  /** Fooling bits. */
  foolings: u16;
  /** TCP flags, or FLAGS_AS_IS. */
  tcpFlags: u16;
  /** Address and octets of the decoy's name, payload or pattern. */
  nameAt: u32;
  nameBytes: i32;
  /** Added to the sequence and acknowledgement numbers by Fooling.BadSeq, to the time stamp by Fooling.Ts. */
  seqShift: i32;
  ackShift: i32;
  tsShift: i32;
  /** Octets of pattern before the first octet: the sequence number is as much lower. */
  overlap: i32;
  /** Octets behind the last one (below zero: taken away); datagrams alone. */
  trail: i32;
  /** Milliseconds after the step before. */
  delayMs: u16;
  /** Fooling.AutoTtl: added to the distance, and the hop limits it stays between. */
  autoDelta: i8;
  autoMin: u8;
  autoMax: u8;
  /** A decoy that travels with the real step behind it (1) or before it (2); 0: it stands alone. */
  belongs: u8;
  /** The decoy's content is its pattern, by offsets of the message. */
  isPattern: u8;
  spare: u8;
  spare2: u64;

  /** Begins a step of the octets from `from` up to `to` (not included); all else is 0, its TCP flags as they are. */
  start(from: i32, to: i32, kind: u32): void {
    const at = changetype<usize>(this);
    const zero = i64x2.splat(0);
    const rest = <u64>kind | ((<u64>FLAGS_AS_IS) << 48);
    v128.store(at, i64x2.replace_lane(i64x2.splat(<u64>(<u32>from) | ((<u64>(<u32>to)) << 32)), 1, rest));
    v128.store(at, zero, 16);
    v128.store(at, zero, 32);
    v128.store(at, zero, 48);
  }

  /** Moves its first octet: none of the step before it is laid over that. */
  beginAt(from: i32): void {
    const at = changetype<usize>(this);
    v128.store(at, i32x4.replace_lane(v128.load(at), 0, from));
    if (this.overlap != 0) this.overlap = 0;
  }

  /** Moves its end. */
  endAt(to: i32): void {
    const at = changetype<usize>(this);
    v128.store(at, i32x4.replace_lane(v128.load(at), 1, to));
  }

  /** Whether a decoy of this step carries the same octets as one of the other. */
  hasContentOf(other: Step): bool {
    return (
      this.to == other.to &&
      this.decoy == other.decoy &&
      this.flags == other.flags &&
      this.nameAt == other.nameAt &&
      this.nameBytes == other.nameBytes &&
      this.isPattern == other.isPattern
    );
  }
}

export const BELONGS_BEHIND: u8 = 1;
export const BELONGS_BEFORE: u8 = 2;

if (offsetof<Step>("to") != 4 || offsetof<Step>("kind") != 8 || offsetof<Step>("tcpFlags") != 14) {
  ERROR("Step does not begin as `start` writes it");
}
if (offsetof<Step>() != STEP_BYTES) ERROR("Step does not have STEP_BYTES octets");

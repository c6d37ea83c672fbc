// One step of a plan: send these octets of the message, for real or as a decoy.

export const STEP_REAL: u32 = 0;
export const STEP_FAKE: u32 = 1;
export const STEP_BYTES: usize = 24;

@unmanaged
export class Step {
  /** Octets of the message, from `from` up to `to` (not included). */
  from: i32;
  to: i32;
  kind: u8;
  /** Fooling bits. */
  foolings: u8;
  /** Hop limit where Fooling.Ttl is set. */
  ttl: u8;
  /** Decoy */
  decoy: u8;
  /** Address and octets of the decoy's host name. */
  nameAt: u32;
  nameBytes: i32;
  spare: u32;
}

if (offsetof<Step>() != STEP_BYTES) ERROR("Step does not have STEP_BYTES octets");

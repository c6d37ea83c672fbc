// One translation, as it lies in the region.
import {
  TRANSLATE_BASE,
  TRANSLATE_ENTRIES,
  TRANSLATE_ENTRY_BYTES,
  TRANSLATE_SYN_BYTES,
  TRANSLATE_SYNS,
  TRANSLATION_BUCKET,
  TRANSLATION_CLIENT,
  TRANSLATION_ISN,
  TRANSLATION_LANE,
  TRANSLATION_LAST_SEEN,
  TRANSLATION_NEXT,
  TRANSLATION_PORTS,
  TRANSLATION_PROTOCOL,
  TRANSLATION_RULE,
  TRANSLATION_SERVER,
  TRANSLATION_STATE,
  TRANSLATION_SYN_BYTES,
  TranslationState,
} from "@bunnel/abi/src/index";
import { TCP_FIN, TCP_RST } from "../wire/tcp";

@unmanaged
export class Translation {
  client0: u64;
  client1: u64;
  server0: u64;
  server1: u64;
  /** Ports of client and server as a packet of the client has them in its first four octets. */
  ports: u32;
  protocol: u8;
  family: u8;
  /** TranslationState */
  state: u8;
  lane: u8;
  lastSeen: u32;
  /** Next of the chain, plus one. */
  next: u32;
  isn: u32;
  synBytes: u16;
  clientEnded: u8;
  serverEnded: u8;
  bucket: u32;
  /** Plus one. */
  rule: u16;
  spare: u16;

  static of(index: u32): Translation {
    return changetype<Translation>(
      <usize>TRANSLATE_BASE + TRANSLATE_ENTRIES + <usize>index * <usize>TRANSLATE_ENTRY_BYTES,
    );
  }
  get clientAt(): usize {
    return changetype<usize>(this) + TRANSLATION_CLIENT;
  }
  get serverAt(): usize {
    return changetype<usize>(this) + TRANSLATION_SERVER;
  }

  /** Where its SYN is held. */
  static synAt(index: u32): usize {
    return <usize>TRANSLATE_BASE + TRANSLATE_SYNS + <usize>index * <usize>TRANSLATE_SYN_BYTES;
  }

  /** The course of a connection as the flags of one side tell it (RFC 9293 section 3.3.2). */
  note(flags: u32, isFromServer: bool, now: u32): void {
    if (this.lastSeen != now) this.lastSeen = now;
    if ((flags & (TCP_FIN | TCP_RST)) == 0) return;
    if ((flags & TCP_RST) != 0) {
      this.state = <u8>TranslationState.Reset;
      return;
    }
    if (isFromServer) this.serverEnded = 1;
    else this.clientEnded = 1;
    if (this.clientEnded != 0 && this.serverEnded != 0 && this.state == TranslationState.Open) {
      this.state = <u8>TranslationState.Ended;
    }
  }
}

if (
  offsetof<Translation>() != TRANSLATE_ENTRY_BYTES ||
  offsetof<Translation>("ports") != TRANSLATION_PORTS ||
  offsetof<Translation>("protocol") != TRANSLATION_PROTOCOL ||
  offsetof<Translation>("state") != TRANSLATION_STATE ||
  offsetof<Translation>("lane") != TRANSLATION_LANE ||
  offsetof<Translation>("lastSeen") != TRANSLATION_LAST_SEEN ||
  offsetof<Translation>("next") != TRANSLATION_NEXT ||
  offsetof<Translation>("isn") != TRANSLATION_ISN ||
  offsetof<Translation>("synBytes") != TRANSLATION_SYN_BYTES ||
  offsetof<Translation>("bucket") != TRANSLATION_BUCKET ||
  offsetof<Translation>("rule") != TRANSLATION_RULE
) {
  ERROR("Translation does not lie as packages/abi/src/translate.ts says");
}

// What a translated packet of the client says: from the peer that stands for its flow, to the listener.
import { LANE_SCRATCH } from "@bunnel/abi/src/index";
import { lane } from "../mem/lane";
import { setBe16 } from "../wire/be";
import { Translation } from "./entry";
import { listenerPort, localAddressAt, peerPort, writePeer } from "./region";

/** Behind the octets that plans use. */
const ENDS_AT: usize = LANE_SCRATCH + 0x1ff00;
const PORTS: usize = 16;

/** Peer and listener of one flow, in the lane's scratch: valid until the next one is asked for. */
@unmanaged
export class Ends {
  /** Those of the entry at `index`. */
  static of(entry: Translation, index: u32): Ends {
    const at = lane + ENDS_AT;
    writePeer(entry.family, index, at);
    setBe16(at, PORTS, peerPort(index));
    setBe16(at, PORTS + 2, listenerPort(entry.family));
    store<u8>(at, entry.family, PORTS + 4);
    return changetype<Ends>(at);
  }
  get peerAt(): usize {
    return changetype<usize>(this);
  }
  get localAt(): usize {
    return localAddressAt(load<u8>(changetype<usize>(this), PORTS + 4));
  }
  /** From peer to listener. */
  get ports(): u32 {
    return load<u32>(changetype<usize>(this), PORTS);
  }
}

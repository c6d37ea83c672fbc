// ClientHellos of the sizes that browsers send. The key exchange is that of the TLS library; what browsers add besides
// (GREASE, padding, their own extensions) is stood for by one more entry of the protocol list, which servers skip
// (RFC 7301 section 3.2).
import type { ConnectionOptions } from "node:tls";
import type { HelloShape } from "./observation.ts";

/** Padding of RFC 7685 brings classic hellos to 512 octets of handshake. */
const CLASSIC_FILL_BYTES = 240;
/** X25519MLKEM768 alone has 1216 octets; with it a hello needs two segments of 1448. */
const POST_QUANTUM_FILL_BYTES = 250;

/** What makes a hello of this shape. */
export function helloOptions(shape: HelloShape): Pick<ConnectionOptions, "ecdhCurve" | "ALPNProtocols"> {
  const isNew = shape === "post-quantum";
  const fill = "-".repeat(isNew ? POST_QUANTUM_FILL_BYTES : CLASSIC_FILL_BYTES);
  return {
    ecdhCurve: isNew ? "X25519MLKEM768:X25519:P-256:P-384" : "X25519:P-256:P-384",
    ALPNProtocols: ["http/1.1", fill],
  };
}

// Rule tables to begin with: some from the notation, and one for each technique and kind of message, whatever the
// notation has words for.
import {
  Decoy,
  Fooling,
  HEADER_L7_MASK,
  HEADER_RULES_AT,
  HEADER_STRATEGIES_AT,
  L7,
  OP_BYTES,
  OP_DECOY,
  OP_FOOLINGS,
  OP_TECHNIQUE,
  OP_TTL,
  OP_VALUE,
  OP_WORD,
  RULE_L7_MASK,
  RULE_PORT_COUNT,
  STRATEGY_L7,
  STRATEGY_OPS_AT,
  Technique,
} from "@bunnel/abi";
import { encodeRules, parseProfile } from "@bunnel/profile";

const NOTATION: readonly string[] = [
  "tls: split(1, midsld) disorder  http: split(method+2, midsld) disorder",
  "tls: fake(ttl=3) split(1, sniext, midsld)  http: fake(badsum, zeros) split(host+2)",
  "tls: fake(badsum, sni=a.example, x3) split(-1, host, endhost) disorder",
];
/** Two cuts, then a technique in place of the disorder. */
const FRAME = "tls: split(1, midsld) fake(badsum, sni=www.example.org)";
const TECHNIQUES = Array.from({ length: Technique.Tos }, (_, i): Technique => i + 1);
const KINDS: readonly L7[] = [L7.Tls, L7.Http, L7.Quic, L7.Dns, L7.Syn];

/** All of them pass the door. */
export function seedTables(): Uint8Array[] {
  return [...NOTATION.map(tableOf), ...TECHNIQUES.map((technique, i) => everyKind(technique, KINDS[i % KINDS.length]))];
}

function tableOf(strategy: string): Uint8Array {
  const ports = 'ports = ["1-65535"]';
  return encodeRules(parseProfile(`[[rule]]\nname = "fuzz"\n${ports}\nstrategy = '''${strategy}'''\n`));
}

/** One rule for messages of every kind; its second operation becomes the technique. */
function everyKind(technique: Technique, kind: L7 = L7.Tls): Uint8Array {
  const table = tableOf(FRAME);
  const view = new DataView(table.buffer);
  const mask = KINDS.reduce((bits, each) => bits | (1 << each), 0);
  view.setUint32(HEADER_L7_MASK, mask, true);
  const rule = view.getUint32(HEADER_RULES_AT, true);
  view.setUint8(rule + RULE_L7_MASK, mask);
  view.setUint16(rule + RULE_PORT_COUNT, 0, true);
  const strategy = view.getUint32(HEADER_STRATEGIES_AT, true);
  view.setUint8(strategy + STRATEGY_L7, kind);
  const at = view.getUint32(strategy + STRATEGY_OPS_AT, true) + OP_BYTES;
  view.setUint8(at + OP_TECHNIQUE, technique);
  view.setUint16(at + OP_FOOLINGS, Fooling.BadSum, true);
  view.setUint8(at + OP_TTL, 4);
  view.setUint8(at + OP_DECOY, Decoy.Name);
  view.setUint16(at + OP_WORD, 8, true);
  view.setInt32(at + OP_VALUE, 8, true);
  return table;
}

/** TLS to port 443 leaves as a stream, and what else there is to that port, with echo requests, is carried. */
export const TRANSLATED: Uint8Array = encodeRules(
  parseProfile(
    '[[rule]]\nname = "left"\naddresses = ["203.0.113.128/25"]\nstrategy = "pass"\n' +
      '[[rule]]\nname = "tls"\nports = ["443"]\negress = "stream"\ncarries = ["tcp", "udp", "icmp"]\n' +
      'strategy = "tls: tlsrec(1)"\n',
  ),
  { streamRules: "leave" },
);

// What other tools do as they ship, as far as packets can carry it.
import type { NamedStrategy } from "./strategy-entry.ts";

export const OTHERS: readonly NamedStrategy[] = [
  {
    name: "goodbyedpi-9",
    version: 1,
    about: "two kinds of decoy, a cut behind two octets, last piece first, no QUIC",
    source: "GoodbyeDPI 0.2.3, preset -9, its default",
    strategy:
      "tls: fake(sni=www.w3.org, badseq) fake(sni=www.w3.org, badsum) split(2) disorder  " +
      "http: fake(host=www.w3.org, badseq) fake(host=www.w3.org, badsum) split(2) disorder  quic: drop",
    leftOut: "max-payload: messages of every size are looked at",
  },
  {
    name: "byedpi-disorder",
    version: 1,
    about: "cuts behind the first octet and in the name, last piece first, one QUIC decoy",
    source: "ByeByeDPI, what 38 of 60 published lines have in common (2026)",
    strategy: "tls: split(1, host+3, host+6, host+9) disorder  http: split(host+1) disorder  quic: fake(zeros)",
    leftOut:
      "oob and tlsrec behind --auto, which need stream egress; there only the first piece is late, here all are turned",
  },
  {
    name: "spoofdpi-default",
    version: 1,
    about: "the host name octet by octet, in order",
    source: "SpoofDPI 1.4, split mode sni, its default",
    strategy:
      "tls: split(host, host+1, host+2, host+3, host+4, host+5, host+6, host+7) " +
      "split(host+8, host+9, host+10, host+11, host+12, host+13, host+14, host+15)",
    leftOut: "cuts behind the sixteenth octet of the name",
  },
  {
    name: "dpibreak-default",
    version: 1,
    about: "the first octet of the hello alone, in order",
    source: "DPIBreak, segment order 0,1, its default (2026)",
    strategy: "tls: split(1)",
  },
  {
    name: "greentunnel-chunks",
    version: 1,
    about: "pieces of forty octets, in order",
    source: "GreenTunnel 3, its default",
    strategy: "tls: split(40, 80, 120, 160, 200, 240, 280, 320)  http: split(40, 80, 120, 160, 200, 240, 280, 320)",
    leftOut: "cuts behind the 320th octet",
  },
  {
    name: "outline-split",
    version: 1,
    about: "one cut behind two octets, in order",
    source: "Outline SDK, split:2",
    strategy: "tls: split(2)  http: split(2)",
    leftOut: "tlsfrag:1, which needs stream egress",
  },
  {
    name: "quic-fake",
    version: 1,
    about: "six foreign QUIC Initials before the real one; TLS and HTTP are not touched",
    source: "Flowseal, zapret, youtubeUnblock: every published set has it",
    strategy: "quic: fake(quic, sni=www.google.com, x6)",
  },
  {
    name: "quic-drop",
    version: 1,
    about: "no QUIC, so that browsers take TLS over TCP; TLS and HTTP are not touched",
    source: "GoodbyeDPI -q, youtubeUnblock's advice",
    strategy: "quic: drop",
  },
];

// Strategies of zapret and of the collections that are made for it. Decoys bear names that the boxes let through: that
// is what they are for.
import type { NamedStrategy } from "./strategy-entry.ts";

const FLOWSEAL = "Flowseal's files for zapret 1.10 (2026)";
const QUIC_FAKES = "quic: fake(quic, sni=www.google.com, x6)";

export const ZAPRET: readonly NamedStrategy[] = [
  {
    name: "zapret-default",
    version: 1,
    about: "a changing decoy, then two cuts, last piece first; the config file of zapret as it ships",
    source: "zapret 72, config.default (2026)",
    strategy:
      "tls: fake(tls, rndsni, dupsid, badseq, md5sig) split(1, midsld) disorder  " +
      "http: fake(host=www.iana.org, md5sig) split(method+2)  quic: fake(quic, sni=www.iana.org, x6)",
  },
  {
    name: "flowseal-general",
    version: 1,
    about: "the first octet behind a whole foreign hello that lies before the window",
    source: `${FLOWSEAL}, general and eight more of nineteen`,
    strategy:
      "tls: split(1) seqovl(681, pattern=tls, sni=www.google.com)  " +
      `http: split(1) seqovl(568, pattern=tls, sni=www.google.com)  ${QUIC_FAKES}`,
  },
  {
    name: "flowseal-fake-ts",
    version: 1,
    about: "many foreign hellos with an old time stamp, then the overlap of flowseal-general",
    source: `${FLOWSEAL}, ALT5 and the ten that use ts`,
    strategy:
      "tls: fake(tls, sni=www.google.com, ts, x8) split(1) seqovl(681, pattern=tls, sni=www.google.com)  " +
      `http: fake(host=www.google.com, ts, x8) split(1)  ${QUIC_FAKES}`,
    leftOut: "needs TCP time stamps, which Windows does not send by itself; without them the fakes stay away",
  },
  {
    name: "flowseal-fakedsplit",
    version: 1,
    about: "foreign hellos, then both pieces between zeros of their size, all with an old time stamp",
    source: `${FLOWSEAL}, ALT`,
    strategy:
      "tls: fake(tls, sni=www.google.com, ts, x6) fakedsplit(1, ts, x6)  " +
      `http: fakedsplit(1, ts, x6)  ${QUIC_FAKES}`,
    leftOut: "needs TCP time stamps, as flowseal-fake-ts does",
  },
  {
    name: "flowseal-hostfakesplit",
    version: 1,
    about: "only the host name stands between decoys, which bear another name; the real one is cut too",
    source: `${FLOWSEAL}, ALT3 and ALT9`,
    strategy:
      "tls: fake(tls, sni=www.google.com, dupsid, ts) hostfakesplit(host=www.google.com, midhost, md5sig, ts, x4)  " +
      `http: hostfakesplit(host=www.google.com, midhost, md5sig, ts, x4)  ${QUIC_FAKES}`,
    leftOut: "altorder: decoys stand on both sides of the name",
  },
  {
    name: "flowseal-fakeddisorder",
    version: 1,
    about: "a foreign hello outside the window, then two cuts, last piece first",
    source: `${FLOWSEAL}, FAKE TLS AUTO`,
    strategy:
      "tls: fake(tls, sni=www.google.com, dupsid, badseq, x8) split(1, midsld) disorder  " +
      `http: fake(host=www.google.com, badseq, x8) split(method+2)  ${QUIC_FAKES}`,
  },
];

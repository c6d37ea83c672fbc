import { describe, expect, test } from "bun:test";
import { diagnose } from "./diagnose.ts";
import type { QuicOrder } from "./io/quic-client.ts";
import type { AddressSeen, Exchange, QuicExchange } from "./observation.ts";
import { observeQuic, type QuicAsker, quicControl } from "./observe-quic.ts";

const HOST = "video.example.org";
const HARMLESS = "harmless.example.org";
const AT = "203.0.113.7";
const ELSEWHERE = "203.0.113.99";

const SERVED: Exchange = {
  ...{ stage: "done", end: "done", ms: 80, certificate: "valid", status: 200, bodyBytes: 65_536, isWhole: false },
  bytesPerSecond: 900_000,
};

/** Who is asked, and how often before. */
type Answers = (order: QuicOrder, before: number) => boolean;

class ScriptedAsker implements QuicAsker {
  readonly asked: string[] = [];

  constructor(readonly answers: Answers) {}

  ask(order: QuicOrder): Promise<QuicExchange> {
    const key = `${order.name} ${order.address}${order.source === undefined ? "" : ` from ${order.source}`}`;
    const before = this.asked.filter((each) => each === key).length;
    this.asked.push(key);
    const isAnswered = this.answers(order, before);
    return Promise.resolve(
      isAnswered ? { ...SERVED, answered: 60 } : { stage: "hello", end: "silent", ms: 1000, bodyBytes: 0, answered: 0 },
    );
  }
}

interface Others {
  readonly elsewhere?: string;
  readonly source?: string;
}

async function summaryOf(answers: Answers, { elsewhere, source }: Others = { elsewhere: ELSEWHERE }) {
  const quic = new ScriptedAsker(answers);
  const sources = source === undefined ? undefined : { take: () => Promise.resolve(source), giveBack: () => undefined };
  const parts = { quic, sources, question: { harmless: HARMLESS, quic: true } };
  const quicHarmless = await quicControl(parts, AT);
  if (quicHarmless === undefined) throw new Error("expected a control, found none");
  const seen = await observeQuic(parts, { host: HOST, path: "/" }, { address: AT, quicHarmless, elsewhere });
  const address: AddressSeen = {
    ...{ address: AT, family: 4, isTrusted: true, own: [SERVED, SERVED, SERVED], harmless: SERVED, ...seen },
  };
  const { summary } = diagnose({
    ...{ host: HOST, system: [AT], trusted: [AT], systemHarmless: [ELSEWHERE], addresses: [address] },
  });
  return { summary, asked: quic.asked };
}

describe("observeQuic()", () => {
  test("takes a name for blocked that fails between two answers to another one", async () => {
    const { summary, asked } = await summaryOf(({ name }) => name === HARMLESS);
    expect(summary).toBe("QUIC by name (silent drop)");
    expect(asked.at(-1)).toBe(`${HARMLESS} ${AT}`);
  });

  test("asks elsewhere where the name brought a punishment", async () => {
    const { summary } = await summaryOf(
      ({ name, address }, before) => name === HARMLESS && (address === ELSEWHERE || before === 0),
    );
    expect(summary).toBe("QUIC by name (silent drop), penalty time");
  });

  test("asks from a new local address where there is nobody else to ask", async () => {
    const source = "198.51.100.9";
    const { summary, asked } = await summaryOf(
      (order, before) => order.name === HARMLESS && (order.source === source || before === 0),
      { source },
    );
    expect(summary).toBe("QUIC by name (silent drop), penalty time");
    expect(asked.at(-1)).toBe(`${HARMLESS} ${AT} from ${source}`);
  });

  test("says nothing of names where no answer comes in time any more", async () => {
    let isBusy = false;
    const busy = await summaryOf(({ name }) => {
      if (name === HOST) isBusy = true;
      return !isBusy;
    });
    expect(busy.summary).toBe("not told");
  });

  test("makes a slow first control once more", async () => {
    const { summary, asked } = await summaryOf((_, before) => before > 0);
    expect(asked.slice(0, 2)).toEqual([`${HARMLESS} ${AT}`, `${HARMLESS} ${AT}`]);
    expect(summary).toBe("open");
  });
});

// What the dashboard knows of the service: figures once a second, flows and rules while a page is open, the messages
// that pass meanwhile, and what happened. It connects by itself, as often as the service comes and goes.
import { Reason, Verdict, verdictOf } from "@bunnel/abi";
import { MessageReader, type SeenExchange } from "../capture/message-reader.ts";
import { readPacketEvent, type SeenPacket } from "../capture/packet-event.ts";
import type { ServiceStatus } from "../commands/status.ts";
import { askControl, watchControl, type Notification } from "../control/client.ts";
import type { ControlEvent } from "../control/protocol.ts";
import { numbersIn } from "../metrics/numbers-in.ts";
import type { FlowLine, RuleLine } from "../control/answers.ts";
import type { ExchangeView, FlowView, LiveMessage, LogLine, RateView, ReasonView } from "./contract.ts";
import { exchangeView } from "./exchange-view.ts";
import { rateBetween } from "./rate.ts";

const RETRY_MS = 1_000;
/** Seconds of the charts. */
const RATES_MAX = 600;
const LOG_MAX = 500;
const EXCHANGES_MAX = 500;
const FLOWS_SHOWN = 500;

interface FlowsAnswer {
  readonly total: number;
  readonly flows: readonly FlowLine[];
}

/** The last exchange of a flow in short: the table says nothing of names. */
interface Known {
  readonly host?: string;
  readonly verdict: string;
}

export class Feed implements Disposable {
  readonly rates: RateView[] = [];
  readonly log: LogLine[] = [];
  readonly exchanges: ExchangeView[] = [];
  readonly #known = new Map<string, Known>();
  readonly #ending = new AbortController();
  #status: ServiceStatus | undefined;
  #rules: readonly RuleLine[] = [];
  #strategies = new Map<string, string>();
  #watchingMessages: AbortController | undefined;
  #isUp: boolean | undefined;
  #exchangeCount = 0;

  /** @param tell everything that changes, for whoever has the page open */
  constructor(
    readonly socket: string,
    readonly tell: (message: LiveMessage) => void,
  ) {
    void this.#follow();
  }

  /** Whether somebody looks: only then flows are asked for and messages watched. */
  set isWatched(isWatched: boolean) {
    if (isWatched && this.#watchingMessages === undefined) {
      this.#watchingMessages = new AbortController();
      void this.#followMessages(this.#watchingMessages.signal);
      void this.#askMore();
    } else if (!isWatched) {
      this.#watchingMessages?.abort();
      this.#watchingMessages = undefined;
    }
  }

  /** The last status as the page gets it. */
  get now(): LiveMessage {
    return this.#status === undefined ? { type: "down" } : statusMessage(this.#status);
  }

  /** A line of the log, told at once. */
  note(kind: LogLine["kind"], text: string): void {
    const line = { timeMs: Date.now(), kind, text };
    keep(this.log, [line], LOG_MAX);
    this.tell({ type: "log", line });
  }

  [Symbol.dispose](): void {
    this.isWatched = false;
    this.#ending.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      for await (const { event, data } of await this.#watch(["state", "stats", "reload", "error"], signal)) {
        if (event === "stats") this.#hearStatus(data as ServiceStatus);
        else if (event === "reload") this.#hearReload(data);
        else this.note(event === "error" ? "error" : "service", textOf(data));
      }
      if (signal.aborted) return;
      if (this.#isUp !== false) {
        this.note("service", this.#isUp === true ? "the service has ended" : "no service answers");
        this.#isUp = false;
        this.#status = undefined;
        this.tell({ type: "down" });
      }
      await Bun.sleep(RETRY_MS);
    }
  }

  async #followMessages(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const reader = new MessageReader();
      for await (const { event, data } of await this.#watch(["messages"], signal)) {
        if (event === "messages") this.#hearMessages(reader, data);
      }
      if (!signal.aborted) await Bun.sleep(RETRY_MS);
    }
  }

  /** Nothing where nobody answers. */
  async #watch(events: readonly ControlEvent[], signal: AbortSignal): Promise<AsyncIterable<Notification>> {
    try {
      return (await watchControl(this.socket, events, signal)) ?? nothing();
    } catch {
      // It is there and refuses: too many clients. That passes.
      return nothing();
    }
  }

  #hearStatus(status: ServiceStatus): void {
    if (this.#isUp !== true) this.note("service", `the service runs: process ${status.pid}, device ${status.device}`);
    this.#isUp = true;
    const rate = rateBetween(this.#status, status, Date.now());
    if (rate !== undefined) keep(this.rates, [rate], RATES_MAX);
    this.#status = status;
    this.tell({ ...statusMessage(status), ...(rate !== undefined && { rate }) });
    if (this.#watchingMessages !== undefined) void this.#askMore();
  }

  #hearReload(data: unknown): void {
    const {
      ok,
      error,
      rules,
      restart = [],
    } = data as {
      readonly ok: boolean;
      readonly error?: string;
      readonly rules?: number;
      readonly restart?: readonly string[];
    };
    const later = restart.length === 0 ? "" : `; ${restart.join(", ")} will follow at the next start`;
    this.note("reload", ok ? `profile read again: ${rules} rules in force${later}` : `profile refused: ${error}`);
  }

  #hearMessages(reader: MessageReader, data: unknown): void {
    const seen: SeenExchange[] = [];
    for (const packet of packetsOf(data)) {
      const exchange = reader.take(packet);
      if (exchange !== undefined && exchange.before.verdict !== "Hold") seen.push(exchange);
    }
    if (seen.length === 0) return;
    for (const exchange of seen) this.#remember(exchange);
    const views = seen.map((exchange) => {
      const { rule } = exchange.before;
      const strategy = rule === undefined ? undefined : this.#strategies.get(rule);
      return exchangeView(exchange, ++this.#exchangeCount, strategy);
    });
    keep(this.exchanges, views, EXCHANGES_MAX);
    this.tell({ type: "exchanges", exchanges: views });
  }

  #remember({ protocol, source, destination, host, before: { verdict } }: SeenExchange): void {
    const flow = `${protocol} ${source} ${destination}`;
    const known = host ?? this.#known.get(flow)?.host;
    this.#known.delete(flow);
    this.#known.set(flow, { verdict, ...(known !== undefined && { host: known }) });
    const [oldest] = this.#known.keys();
    if (this.#known.size > FLOWS_SHOWN * 4 && oldest !== undefined) this.#known.delete(oldest);
  }

  /** Flows and rules. */
  async #askMore(): Promise<void> {
    try {
      const rules = (await askControl(this.socket, "rules")) as readonly RuleLine[] | undefined;
      const answer = (await askControl(this.socket, "flows", { limit: FLOWS_SHOWN })) as FlowsAnswer | undefined;
      if (rules === undefined || answer === undefined) return;
      this.#rules = rules;
      this.#strategies = new Map(rules.map(({ name, strategy }) => [name, strategy]));
      this.tell({ type: "rules", rules: this.#rules });
      const flows = answer.flows.map((flow): FlowView => {
        return { ...flow, ...this.#known.get(`${flow.protocol} ${flow.source} ${flow.destination}`) };
      });
      this.tell({ type: "flows", total: answer.total, flows });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      if (this.log.at(-1)?.text !== text) this.note("error", text);
    }
  }
}

function statusMessage(status: ServiceStatus): Extract<LiveMessage, { type: "status" }> {
  const dns = numbersIn((status as Readonly<Record<string, unknown>>)["dns"]);
  const reasons = Object.entries(status.reasons).map(([name, packets]): ReasonView => {
    const reason = Object.entries(Reason).find(([key]) => key === name)?.[1];
    const verdict = typeof reason === "number" ? (Verdict[verdictOf(reason)] ?? "") : "";
    return { name, verdict, packets };
  });
  return { type: "status", status, reasons, ...(Object.keys(dns).length > 0 && { dns }) };
}

/** None where a service of another version says it in other words. */
function packetsOf(data: unknown): readonly SeenPacket[] {
  try {
    return readPacketEvent(data).packets;
  } catch {
    return [];
  }
}

function keep<Item>(list: Item[], items: readonly Item[], max: number): void {
  list.push(...items);
  if (list.length > max) list.splice(0, list.length - max);
}

function textOf(data: unknown): string {
  if (typeof data === "object" && data !== null && "up" in data) return data.up === true ? "up" : "going down";
  return typeof data === "string" ? data : JSON.stringify(data);
}

async function* nothing(): AsyncGenerator<Notification, void> {
  // Nobody answers.
}

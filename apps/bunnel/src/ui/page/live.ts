// What the page knows, kept up to date by the server's socket; whoever shows it is called once a frame.
import type { RuleLine } from "../../control/answers.ts";
import type {
  ExchangeView,
  FlowView,
  LiveMessage,
  LogLine,
  ProbeView,
  RateView,
  ReasonView,
  StatusView,
} from "../contract.ts";
import { ask, openSocket } from "./session.ts";

const RATES_MAX = 600;
const LIST_MAX = 500;
const RETRY_MS = 2_000;

export class Live {
  /** "live": figures come in. "down": no service runs. "lost": the dashboard itself does not answer. */
  state: "connecting" | "live" | "down" | "lost" = "connecting";
  version = "";
  status: StatusView | undefined;
  reasons: readonly ReasonView[] = [];
  dns: Readonly<Record<string, number>> | undefined;
  rates: RateView[] = [];
  flows: readonly FlowView[] = [];
  flowsTotal = 0;
  rules: readonly RuleLine[] = [];
  exchanges: ExchangeView[] = [];
  log: LogLine[] = [];
  probe: ProbeView | undefined;
  #isDrawing = false;

  constructor(readonly draw: () => void) {
    this.#connect();
  }

  #connect(): void {
    const socket = openSocket();
    socket.addEventListener("message", ({ data }) => {
      this.#hear(JSON.parse(String(data)) as LiveMessage);
      this.#drawSoon();
    });
    socket.addEventListener("close", () => {
      // Whoever does not know the session any more says so there.
      if (this.state === "lost") void ask("/api/profile").catch(() => undefined);
      this.state = "lost";
      this.#drawSoon();
      setTimeout(() => this.#connect(), RETRY_MS);
    });
  }

  #drawSoon(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.draw();
    });
  }

  #hear(message: LiveMessage): void {
    switch (message.type) {
      case "hello":
        this.version = message.version;
        this.rates = [...message.rates];
        this.log = [...message.log];
        this.exchanges = [...message.exchanges];
        break;
      case "down":
        this.state = "down";
        this.status = undefined;
        this.flows = [];
        break;
      case "status":
        this.state = "live";
        this.status = message.status;
        this.reasons = message.reasons;
        this.dns = message.dns;
        if (message.rate !== undefined) keep(this.rates, [message.rate], RATES_MAX);
        break;
      case "flows":
        this.flows = message.flows;
        this.flowsTotal = message.total;
        break;
      case "rules":
        this.rules = message.rules;
        break;
      case "exchanges":
        keep(this.exchanges, message.exchanges, LIST_MAX);
        break;
      case "probe":
        this.probe = message.probe;
        break;
      case "log":
        keep(this.log, [message.line], LIST_MAX);
        break;
    }
  }
}

function keep<Item>(list: Item[], items: readonly Item[], max: number): void {
  list.push(...items);
  if (list.length > max) list.splice(0, list.length - max);
}

// A probe for the dashboard: the program's own command, a process with the rights of this one. Where the dashboard has
// none, as it mostly has, that is what sockets can carry out. It does not keep root's rights for this: whoever reaches
// the page would have them. What was not tried is told, and the command that tries all of the same.
import { selfCommand } from "../demo/self.ts";
import type { ProbeEvent, ProbeReport } from "../probe/probe.ts";
import { readKnown, readPage } from "../probe/question.ts";
import { ruleLines } from "../probe/report.ts";
import { explain } from "../service/exit.ts";
import type { ProbeAnswer, ProbeRequest, ProbeView } from "./contract.ts";

/** Hosts of one probe. */
export const PROBED_MAX = 16;
const SECONDS = 180;
/** Words of the process on its standard error, as far as they are of use. */
const ERROR_MAX = 500;

const NOTHING: ProbeView = {
  ...{ state: "idle", hosts: [], says: "", missing: [], seen: [], trials: [], trialsMax: 0 },
  ...{ command: "", rules: "", unsolved: [], seconds: 0, connections: 0 },
};

/** One probe at a time. */
export class ProbeRunner implements Disposable {
  view: ProbeView = NOTHING;
  #child: Bun.Subprocess<"ignore", "pipe", "pipe"> | undefined;

  /** @param tell called whenever something is known that was not */
  constructor(readonly tell: (view: ProbeView) => void) {}

  start({ hosts, known, harmless }: ProbeRequest): ProbeAnswer {
    if (this.#child !== undefined) return { ok: false, error: "a probe is under way" };
    try {
      for (const host of hosts) readPage(host);
      readKnown(known);
      if (harmless !== "") readPage(harmless);
    } catch (error) {
      return { ok: false, error: explain(error) };
    }
    const asked = [
      ...known.flatMap((each) => ["--resolve", each]),
      ...(harmless === "" ? [] : ["--harmless", harmless]),
    ];
    // What stands behind -- is no option.
    asked.push("--", ...hosts);
    const words = ["probe", "--json", "--fresh", "--no-remember", "--seconds", String(SECONDS), ...asked];
    const command = ["sudo", "bunnel", "probe", ...asked].map(shellWord).join(" ");
    this.#show({ ...NOTHING, state: "running", hosts, command, says: "starting" });
    const child = Bun.spawn([...selfCommand(), ...words], {
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
    this.#child = child;
    void this.#follow(child);
    return { ok: true };
  }

  /** It ends with what is known. */
  stop(): void {
    if (this.#child === undefined) return;
    this.#show({ ...this.view, says: "ending with what is known" });
    this.#child.kill("SIGINT");
  }

  [Symbol.dispose](): void {
    this.#child?.kill("SIGKILL");
  }

  async #follow(child: Bun.Subprocess<"ignore", "pipe", "pipe">): Promise<void> {
    const errors = child.stderr.text();
    try {
      for await (const line of linesOf(child.stdout)) this.#hear(JSON.parse(line) as ProbeEvent | ReportLine);
    } catch (error) {
      this.#show({ ...this.view, state: "failed", says: explain(error) });
    }
    await child.exited;
    this.#child = undefined;
    if (this.view.state !== "running") return;
    const words = (await errors)
      .trim()
      .replace(/^bunnel: /u, "")
      .slice(0, ERROR_MAX);
    this.#show({ ...this.view, state: "failed", says: words === "" ? "the probe ended early" : words });
  }

  #hear(event: ProbeEvent | ReportLine): void {
    const { view } = this;
    switch (event.type) {
      case "start":
        return this.#show({ ...view, missing: event.missing });
      case "looking":
        return this.#show({ ...view, says: `looking how ${event.host} is blocked` });
      case "waiting":
        return this.#show({
          ...view,
          says: `waiting up to ${event.seconds} s to tell whether ${event.hosts.join(", ")} is blocked or punished`,
        });
      case "seen": {
        const { host, summary, findings } = event.diagnosis;
        return this.#show({
          ...view,
          seen: [...view.seen, { host, summary, findings: findings.map(({ says }) => says) }],
        });
      }
      case "searching": {
        const trialsMax = view.trials.length + event.candidates * event.hosts.length;
        return this.#show({
          ...view,
          trialsMax,
          says: `trying strategies for ${event.kind} of ${event.hosts.join(", ")}`,
        });
      }
      case "trial": {
        const { candidate, host, works, times, how } = event.result;
        const { kind, name, egress, cost } = candidate;
        const trials = [...view.trials, { works, times, kind, name, egress, cost, host, how }];
        const { seconds, connections } = event.used;
        return this.#show({ ...view, trials, seconds, connections });
      }
      case "report":
        return this.#show(reported(view, event));
    }
  }

  #show(view: ProbeView): void {
    this.view = view;
    this.tell(view);
  }
}

/** The last line of the command. */
interface ReportLine extends ProbeReport {
  readonly type: "report";
}

function reported(view: ProbeView, { recommendation, used, cut }: ReportLine): ProbeView {
  const rules = recommendation.rules.flatMap((rule, index) => {
    return [...ruleLines(rule, index === 0 ? "probe" : `probe ${index + 1}`), ""];
  });
  const unsolved = recommendation.unsolved.map(({ host, kind }) => `${kind} of ${host}`);
  const open = rules.length === 0 && unsolved.length === 0 ? "nothing needs to be done" : "done";
  const says = cut === undefined ? open : `not everything was tried: ${cut}`;
  const { seconds, connections } = used;
  return { ...view, state: "done", says, rules: rules.join("\n"), unsolved, seconds, connections };
}

/** A word as a shell reads it as it is (POSIX.1 XCU 2.2.2). */
function shellWord(word: string): string {
  return /^[\w./:,@%+=-]+$/u.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

async function* linesOf(stdout: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const octets of stdout) {
    const lines = (rest + decoder.decode(octets, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line !== "");
  }
}

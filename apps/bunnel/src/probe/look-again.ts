// Addresses at which nobody opened a connection are looked at once more when a punishment would be over: until then
// nobody knows whether they are blocked, or whether this machine is punished for what it did before the probe.
import { diagnose } from "./diagnose.ts";
import type { AddressSeen, Exchange, HostSeen } from "./observation.ts";
import { isConnected } from "./observation.ts";
import { hello, type ObserveParts } from "./observe.ts";

const FIRST_PAUSE_MS = 1000;
const PAUSE_MAX_MS = 15_000;

/** Addresses of which it is not known whether they are blocked. */
export function unreachedOf(seen: HostSeen): readonly string[] {
  return diagnose(seen).findings.flatMap(({ kind, address }) =>
    kind === "not-reached" && address !== undefined ? [address] : [],
  );
}

/** What came of asking again. */
export interface SecondLook {
  /** Where a connection was opened: the host is worth another look as a whole. */
  readonly isFreed: boolean;
  readonly seen: HostSeen;
}

/** Asks again and again until somebody answers, or a punishment would be over; then says what is known of the host. */
export async function lookAgain(
  parts: Pick<ObserveParts, "way" | "question" | "budget">,
  seen: HostSeen,
  nowMs: () => number = () => performance.now(),
): Promise<SecondLook> {
  const { question, budget } = parts;
  const until = nowMs() + question.punishedMs;
  const addresses = unreachedOf(seen);
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(PAUSE_MAX_MS, pauseMs * 2)) {
    const leftMs = until - nowMs();
    await pause(Math.max(0, Math.min(pauseMs, leftMs)), budget.signal);
    if (budget.spent !== undefined) return { isFreed: false, seen };
    const asked = await Promise.all(
      addresses.map(async (address) => [address, await hello(parts, { address, name: question.harmless })] as const),
    );
    if (budget.isStopped) return { isFreed: false, seen };
    if (asked.some(([, exchange]) => isConnected(exchange))) return { isFreed: true, seen };
    if (leftMs <= pauseMs) return { isFreed: false, seen: { ...seen, addresses: shutFor(seen.addresses, asked) } };
  }
}

/** What was seen first is from so long ago, and nothing has changed. */
function shutFor(
  addresses: readonly AddressSeen[],
  asked: readonly (readonly [string, Exchange])[],
): readonly AddressSeen[] {
  const now = new Map(asked);
  return addresses.map((each) => {
    const exchange = now.get(each.address);
    return exchange === undefined ? each : { ...each, earlier: each.harmless, harmless: exchange };
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const end = (): void => resolve();
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", end);
}

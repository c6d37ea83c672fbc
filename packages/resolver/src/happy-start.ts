// Several ways to the same end: the first is tried, the next after a while or as soon as one has failed, and the first
// that succeeds wins (as RFC 8305 does it for addresses).

/** One way. It should give up when the signal is aborted. */
export type Way<Result> = (signal: AbortSignal) => Promise<Result>;

/**
 * What the first way that succeeds gives. The others are told to give up; one that succeeds all the same is given to
 * `discard`.
 * @throws the last way's error when all have failed; the signal's reason when it is aborted first
 */
export function happyStart<Result>(
  ways: readonly Way<Result>[],
  nextAfterMs: number,
  signal: AbortSignal,
  discard?: (late: Result) => void,
): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  const losers = new AbortController();
  const both = AbortSignal.any([signal, losers.signal]);
  let started = 0;
  let failed = 0;
  let isOver = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const start = (): void => {
    clearTimeout(timer);
    const way = ways[started];
    if (way === undefined || both.aborted) return;
    started++;
    if (started < ways.length) timer = setTimeout(start, nextAfterMs);
    const succeed = (result: Result): void => {
      if (isOver) discard?.(result);
      isOver = true;
      resolve(result);
    };
    way(both).then(succeed, (error: unknown) => {
      failed++;
      if (failed === ways.length) reject(error);
      else if (started === failed) start();
    });
  };
  const onAbort = (): void => {
    isOver = true;
    reject(signal.reason);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  else if (ways.length === 0) reject(new Error("ways: expected one at least, found none"));
  else start();
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    losers.abort(new Error("another way was faster"));
  });
}

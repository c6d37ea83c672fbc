// What a running service does by itself: it reads its profile again when a file of it changes or somebody sends SIGHUP,
// and tells those who watch how it is.
import type { ControlServer } from "../control/server.ts";
import type { Log } from "../logs/log.ts";
import { explain } from "./exit.ts";
import type { Service } from "./service.ts";
import { FileWatcher } from "./watch-files.ts";

const STATS_EVERY_MS = 1_000;

export interface FollowOptions {
  /** What happens is told as JSON lines. */
  readonly json?: boolean;
  readonly log: Log;
}

/** Until it is disposed. SIGHUP is a reload, but where a terminal hangs up it ends the service. */
export function follow(service: Service, control: ControlServer, options: FollowOptions, stop: () => void): Disposable {
  const reload = async (why: string): Promise<void> => {
    try {
      const report = await service.reload();
      tell(options, { reload: true, why, ...report });
    } catch (error) {
      tell(options, { reload: false, why, error: explain(error) });
    }
  };
  const watcher = new FileWatcher(
    () => service.files,
    (files) => {
      options.log.info("files changed", { files });
      void reload("a file changed");
    },
  );
  // What is read on request is not read again because it changed.
  service.beforeReload = () => watcher.mark();
  const hangUp = (): void => (process.stdin.isTTY ? stop() : void reload("SIGHUP"));
  process.on("SIGHUP", hangUp);
  const timer = setInterval(() => {
    if (control.isWatched("stats")) control.notify("stats", service.status());
  }, STATS_EVERY_MS);
  return {
    [Symbol.dispose]() {
      watcher[Symbol.dispose]();
      process.off("SIGHUP", hangUp);
      clearInterval(timer);
    },
  };
}

/** A reload in words. */
export function reloadText({
  rules,
  restart,
}: {
  readonly rules: number;
  readonly restart: readonly string[];
}): string {
  const count = `${rules} ${rules === 1 ? "rule" : "rules"} in force`;
  return restart.length === 0 ? count : `${count}; ${restart.join(", ")} will follow at the next start`;
}

function tell({ json }: FollowOptions, data: unknown): void {
  if (json) process.stdout.write(`${JSON.stringify(data)}\n`);
}

// The control socket is open before the service is up, so that two of them cannot start at once.
import type { ControlCommand, ControlCommands } from "../control/server.ts";

const COMMANDS = [
  ...["status", "stats", "rules", "flows", "profile", "reload"],
  ...["hosts", "hosts-forget", "hosts-set", "hosts-record"],
] as const;

/** Commands that say "starting" until there is a service to carry them out. `stop` works at once. */
export class LateCommands {
  readonly all: ControlCommands;
  #served: ControlCommands | undefined;

  constructor(stop: () => void) {
    const late = (name: string): ControlCommand => {
      return (given) => {
        const act = this.#served?.[name];
        if (act === undefined) throw new Error("the service is starting");
        return act(given);
      };
    };
    const stopNow = (): string => {
      stop();
      return "stopping";
    };
    this.all = { ...Object.fromEntries(COMMANDS.map((name) => [name, late(name)])), stop: stopNow };
  }

  serve(commands: ControlCommands): void {
    this.#served = commands;
  }
}

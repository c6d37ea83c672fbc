// What every command does that talks to the running service.
import { ExitError } from "../service/exit.ts";
import { askControl } from "./client.ts";

/** As systemctl does it: a service that does not run. */
export const NOT_RUNNING_STATUS = 3;

/** What the service answers. @throws ExitError with status 3 when none runs; ControlError when it refuses */
export async function askService(
  socket: string,
  command: string,
  given: Readonly<Record<string, unknown>> = {},
): Promise<unknown> {
  const result = await askControl(socket, command, given);
  if (result === undefined) throw notRunning(socket);
  return result;
}

export function notRunning(socket: string): ExitError {
  return new ExitError(`not running: nobody answers at ${socket}`, NOT_RUNNING_STATUS);
}

// The thread that the service manager of Windows holds as long as the service runs.
import { dispatch } from "./sys.ts";

declare const self: Worker;

/** What the thread is told: the name of the service, and the address of its call-back. */
export interface DispatcherOrder {
  readonly name: string;
  readonly main: number;
}

self.addEventListener("message", ({ data }: MessageEvent<DispatcherOrder>) => {
  postMessage(dispatch(data.name, data.main));
});

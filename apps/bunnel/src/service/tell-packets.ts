// The service's side of a capture: copies of packets go to those who watch for them, and nothing is copied otherwise.
import { CaptureLevel, type BackendHandle } from "@bunnel/backend";
import { isOfMessage, packetLine } from "../capture/packet-event.ts";
import type { ControlServer } from "../control/server.ts";

/** How often copies are fetched while somebody watches. */
const EVERY_MS = 50;
/** Octets that are fetched each time: 20 MB a second. More is lost where it was copied, and counted. */
const FETCH_MAX_BYTES = 1024 * 1024;
/** With so much unread, the clients are waited for. */
const UNREAD_MAX_BYTES = 1024 * 1024;

/** Until it is disposed. `note` is told when a capture begins and ends. */
export function tellPackets(
  { captured, pipeline }: BackendHandle,
  control: ControlServer,
  note: (what: string) => void = () => undefined,
): Disposable {
  let timer: ReturnType<typeof setInterval> | undefined;
  const tell = (): void => {
    if (control.unreadBytes > UNREAD_MAX_BYTES) return;
    const { rules } = pipeline.profile;
    const packets = captured.take(FETCH_MAX_BYTES).map((record) => packetLine(record, rules));
    if (packets.length === 0) return;
    const { lost } = captured;
    if (control.isWatched("packets")) control.notify("packets", { lost, packets });
    const messages = control.isWatched("messages") ? packets.filter((packet) => isOfMessage(packet)) : [];
    if (messages.length > 0) control.notify("messages", { lost, packets: messages });
  };
  const follow = (): void => {
    const level = wantedLevel(control);
    if (level === captured.level) return;
    captured.level = level;
    note(`capture ${CaptureLevel[level].toLowerCase()}`);
    clearInterval(timer);
    timer = level === CaptureLevel.Off ? undefined : setInterval(tell, EVERY_MS);
  };
  control.whenWatchersChange = follow;
  follow();
  return {
    [Symbol.dispose]() {
      control.whenWatchersChange = () => undefined;
      clearInterval(timer);
    },
  };
}

function wantedLevel(control: ControlServer): CaptureLevel {
  if (control.isWatched("packets")) return CaptureLevel.Packets;
  return control.isWatched("messages") ? CaptureLevel.Messages : CaptureLevel.Off;
}

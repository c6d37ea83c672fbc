// The service's side of a capture: copies of packets go to those who watch for them, and nothing is copied otherwise.
import { CaptureLevel, type BackendHandle, type CaptureRecord } from "@bunnel/backend";
import { isOfMessage, packetLine } from "../capture/packet-event.ts";
import type { ControlServer } from "../control/server.ts";
import { QuietLooks, type PacketHearer } from "./quiet-looks.ts";

/** How often copies are fetched while somebody watches. */
const EVERY_MS = 50;
/** Octets that are fetched each time: 20 MB a second. More is lost where it was copied, and counted. */
const FETCH_MAX_BYTES = 1024 * 1024;
/** The same while only the service itself listens: some 250 connections a second. A flood is not looked at whole. */
const QUIET_FETCH_MAX_BYTES = 32 * 1024;
/** With so much unread, the clients are waited for. */
const UNREAD_MAX_BYTES = 1024 * 1024;

/** Until it is disposed. `note` is told when a capture begins and ends. */
export function tellPackets(
  handle: BackendHandle,
  control: ControlServer,
  note: (what: string) => void = () => undefined,
  hearer?: PacketHearer,
): Disposable {
  const { captured } = handle;
  let timer: ReturnType<typeof setInterval> | undefined;
  let quiet: QuietLooks | undefined;
  let watched = CaptureLevel.Off;
  let lostBefore = 0;
  const end = (): void => {
    clearInterval(timer);
    quiet?.[Symbol.dispose]();
    quiet = undefined;
  };
  const turn = (): void => {
    const isFull = control.unreadBytes > UNREAD_MAX_BYTES;
    if (isFull && hearer === undefined) return;
    hearer?.begin();
    const records = captured.take(watched === CaptureLevel.Off ? QUIET_FETCH_MAX_BYTES : FETCH_MAX_BYTES);
    hearer?.take(records);
    if (watched === CaptureLevel.Off || records.length === 0) return;
    // Who does not read in time loses what the service itself could not wait with.
    if (isFull) lostBefore -= records.length;
    else tell(handle, control, records, captured.lost - lostBefore);
  };
  const follow = (): void => {
    const level = wantedLevel(control);
    if (level !== watched) {
      if (watched === CaptureLevel.Off) lostBefore = captured.lost;
      note(`capture ${CaptureLevel[level].toLowerCase()}`);
    }
    watched = level;
    const next = hearer === undefined ? level : Math.max(level, CaptureLevel.Heads);
    const wasOff = captured.level === CaptureLevel.Off;
    if (captured.level !== next) captured.level = next;
    if (wasOff) lostBefore = 0;
    end();
    if (level !== CaptureLevel.Off) timer = setInterval(turn, EVERY_MS);
    else if (hearer !== undefined) quiet = new QuietLooks(captured, hearer, turn);
  };
  control.whenWatchersChange = follow;
  follow();
  return {
    [Symbol.dispose]() {
      control.whenWatchersChange = () => undefined;
      end();
    },
  };
}

function tell(
  { pipeline }: BackendHandle,
  control: ControlServer,
  records: readonly CaptureRecord[],
  lost: number,
): void {
  const { rules } = pipeline.profile;
  const packets = records.map((record) => packetLine(record, rules));
  if (control.isWatched("packets")) control.notify("packets", { lost, packets });
  const messages = control.isWatched("messages") ? packets.filter((packet) => isOfMessage(packet)) : [];
  if (messages.length > 0) control.notify("messages", { lost, packets: messages });
}

function wantedLevel(control: ControlServer): CaptureLevel {
  if (control.isWatched("packets")) return CaptureLevel.Packets;
  return control.isWatched("messages") ? CaptureLevel.Messages : CaptureLevel.Off;
}

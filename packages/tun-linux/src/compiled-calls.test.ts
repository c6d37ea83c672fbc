// The just-in-time compiler may take a foreign call for one that touches no memory, and then drop a store before it or
// repeat an old load behind it. These loops are long enough to be compiled at the highest level.
import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import * as sys from "./sys.ts";

const TURNS = 300_000;

describe("PollSet in compiled code", () => {
  test("finds what poll wrote, also behind a place that was set just before", () => {
    const events = [sys.openEvent(), sys.openEvent()] as const;
    sys.raiseEvent(events[0]);
    const poll = new sys.PollSet(2);
    let wrong = 0;
    const turn = () => {
      poll.set(0, events[0]);
      poll.set(1, events[1]);
      const ready = poll.poll(0);
      if (ready !== 1 || poll.found(0) !== sys.POLLIN || poll.found(1) !== 0) wrong += 1;
    };
    for (let i = 0; i < TURNS; i += 1) turn();
    expect(wrong).toBe(0);
    for (const event of events) sys.closeFd(event);
  });

  test("finds a change that nothing in this program made", () => {
    const event = sys.openEvent();
    const poll = new sys.PollSet(1);
    poll.set(0, event);
    let wrong = 0;
    for (let i = 0; i < TURNS; i += 1) {
      const raise = i % 2 === 0;
      if (raise) sys.raiseEvent(event);
      else sys.lowerEvent(event);
      poll.poll(0);
      if (poll.found(0) !== (raise ? sys.POLLIN : 0)) wrong += 1;
    }
    expect(wrong).toBe(0);
    sys.closeFd(event);
  });
});

describe("Pieces in compiled code", () => {
  test("writes and reads the pieces of each call, not those of the one before or behind it", () => {
    const device = openSync("/dev/null", "r+");
    const zero = openSync("/dev/zero", "r");
    const pieces = new sys.Pieces(2);
    const one = Uint8Array.of(1);
    const three = Uint8Array.of(2, 3, 4);
    let wrong = 0;
    for (let i = 0; i < TURNS; i += 1) {
      // Octets written tell which lengths the system saw.
      if (pieces.write(device, [one, three]) !== 4 || pieces.write(device, [one]) !== 1) wrong += 1;
      one[0] = 1;
      if (pieces.read(zero, [three, one]) !== 4) wrong += 1;
    }
    expect(wrong).toBe(0);
    expect([one[0], ...three]).toEqual([0, 0, 0, 0]);
    closeSync(device);
    closeSync(zero);
  });
});

import { describe, expect, test } from "bun:test";
import { ProfileError } from "../errors.ts";
import { parseProfile } from "./parse.ts";
import { isLoopback } from "./stream-settings.ts";

function problem(text: string): string {
  try {
    parseProfile(text);
    return "none";
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return error.message;
  }
}

describe("[stream] and [proxy]", () => {
  test("parseProfile() reads every key", () => {
    const { stream, proxy } = parseProfile(`
      [stream]
      max_flows = 7
      idle_timeout_seconds = 0
      connect_timeout_seconds = 3
      message_timeout_ms = 250
      by_name = true
      max_datagram_sessions = 5
      datagram_timeout_seconds = 9
      [proxy]
      listen = ["127.0.0.1:0", "[::1]:8080", "192.0.2.1:1"]
      remote = true
      user = "me"
      password = "secret"
      udp = false`);
    expect(stream).toEqual({
      maxFlows: 7,
      idleTimeoutSeconds: 0,
      connectTimeoutSeconds: 3,
      messageTimeoutMs: 250,
      byName: true,
      maxDatagramSessions: 5,
      datagramTimeoutSeconds: 9,
    });
    const listen = ["127.0.0.1:0", "[::1]:8080", "192.0.2.1:1"];
    expect(proxy).toEqual({ listen, remote: true, user: "me", password: "secret", udp: false });
  });

  test.each([
    [
      '[proxy]\nlisten = ["192.0.2.1:1080"]',
      'profile:2:10: proxy.listen: expected loopback addresses, or remote = true beside them, found "192.0.2.1:1080"',
    ],
    ['[proxy]\npassword = "secret"', "profile:2:12: proxy.password: expected a user beside it, found none"],
    [
      '[proxy]\nlisten = ["localhost:1080"]',
      'profile:2:11: proxy.listen entry 1: expected an address and a port such as "127.0.0.1:1080" or "[::1]:1080", ' +
        'found "localhost:1080"',
    ],
    [
      "[stream]\nmessage_timeout_ms = 0",
      "profile:2:22: stream.message_timeout_ms: expected a whole number from 10 to 60000, found 0",
    ],
    [
      "[stream]\nmax_flow = 1",
      "profile:2:1: stream.max_flow: unknown key: expected max_flows, idle_timeout_seconds, connect_timeout_seconds, " +
        'message_timeout_ms, by_name, max_datagram_sessions or datagram_timeout_seconds (did you mean "max_flows"?)',
    ],
  ])("parseProfile() says what is wrong with %j", (text, message) => {
    expect(problem(text)).toBe(message);
  });

  test("isLoopback() knows both families", () => {
    expect(["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "0.0.0.0:1", "[::]:1", "192.0.2.1:1"].map(isLoopback)).toEqual([
      ...[true, true, true],
      ...[false, false, false],
    ]);
  });
});

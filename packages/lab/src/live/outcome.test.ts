import { expect, test } from "bun:test";
import { outcomeOfCurl, outcomeOfWeb } from "./outcome.ts";

const HOST = "blocked.example.org";
const right = JSON.stringify({ host: HOST, serverName: HOST });

test("outcomeOfCurl() is served only when the server saw the host that was asked for", () => {
  expect(outcomeOfCurl(HOST, 0, right, "").outcome).toBe("served");
  expect(outcomeOfCurl(HOST, 0, JSON.stringify({ host: HOST, serverName: null }), "").outcome).toBe("served");
  const decoy = outcomeOfCurl(HOST, 0, JSON.stringify({ host: HOST, serverName: "www.example.org" }), "");
  expect(decoy).toEqual({ outcome: "wrong", detail: "server saw www.example.org" });
  expect(outcomeOfCurl(HOST, 0, JSON.stringify({ host: "www.example.org", serverName: null }), "").outcome).toBe(
    "wrong",
  );
});

test("outcomeOfCurl() takes a foreign page for wrong", () => {
  expect(outcomeOfCurl(HOST, 0, "<html>blocked by order</html>", "").outcome).toBe("wrong");
  expect(outcomeOfCurl(HOST, 0, "null", "").outcome).toBe("wrong");
});

test.each([
  [28, "curl: (28) Connection timed out after 1200 milliseconds", "blocked"],
  [7, "curl: (7) Failed to connect to blocked.example.org port 443", "reset"],
  [35, "curl: (35) Recv failure: Connection reset by peer", "reset"],
  [35, "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to blocked.example.org:443", "reset"],
  [56, "curl: (56) Recv failure: Connection reset by peer", "reset"],
  [52, "curl: (52) Empty reply from server", "reset"],
  [35, "curl: (35) error:0A000119:SSL routines::decryption failed or bad record mac", "wrong"],
  [60, "curl: (60) SSL certificate problem: self-signed certificate", "wrong"],
] as const)("outcomeOfCurl() reads status %i, %s, as %s", (status, words, outcome) => {
  expect(outcomeOfCurl(HOST, status, "", words).outcome).toBe(outcome);
});

test("outcomeOfWeb() reads the same from the lab's own client", () => {
  expect(outcomeOfWeb(HOST, { body: right }).outcome).toBe("served");
  expect(outcomeOfWeb(HOST, { error: "ETIMEDOUT" }).outcome).toBe("blocked");
  expect(outcomeOfWeb(HOST, { error: "ECONNRESET" }).outcome).toBe("reset");
  expect(outcomeOfWeb(HOST, { error: "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC" }).outcome).toBe("wrong");
});

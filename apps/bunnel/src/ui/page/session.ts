// The page's side of its session: a token from the address for a cookie, which the page cannot read, and a key, which
// stays in this tab. Names as in ../access.ts.

const KEY = "bunnel-key";

/** Takes the token out of the address. */
export async function openSession(): Promise<void> {
  const token = /^#token=([\w-]+)$/u.exec(location.hash)?.[1];
  if (token === undefined) return;
  history.replaceState(undefined, "", "#/overview");
  const response = await fetch("/api/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  if (!response.ok) return;
  const { key } = (await response.json()) as { readonly key: string };
  sessionStorage.setItem(KEY, key);
}

export function hasSession(): boolean {
  return sessionStorage.getItem(KEY) !== null;
}

/** What the server answers. @throws Error with its words when it refuses */
export async function ask<Answer>(path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: { "x-bunnel-key": sessionStorage.getItem(KEY) ?? "", "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status === 401) {
    // Another dashboard listens there by now.
    sessionStorage.removeItem(KEY);
    location.reload();
  }
  const answer = (await response.json()) as Answer & { readonly error?: string };
  if (!response.ok) throw new Error(answer.error ?? `status ${response.status}`);
  return answer;
}

/** A socket over which the server tells what changes. */
export function openSocket(): WebSocket {
  const address = new URL("/api/live", location.href);
  address.protocol = "ws:";
  return new WebSocket(address, ["bunnel-live", `bunnel-key.${sessionStorage.getItem(KEY) ?? ""}`]);
}

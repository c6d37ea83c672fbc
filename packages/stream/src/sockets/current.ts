// The socket calls of this thread: the system's default, unless a relay's loop has chosen others before it begins.
import { defaultForm, socketsOf } from "./of-form.ts";
import type { Sockets } from "./sockets.ts";

let chosen: Sockets | undefined;

/** What the calls of this file go to from now on. */
export function useSockets(sockets: Sockets): void {
  chosen = sockets;
}

/** @throws StreamError E_STREAM_UNSUPPORTED where there are none for this system */
export function currentSockets(): Sockets {
  return (chosen ??= socketsOf(defaultForm()));
}

export const prepare: Sockets["prepare"] = () => currentSockets().prepare();
export const errno: Sockets["errno"] = () => currentSockets().errno();
export const streamSocket: Sockets["streamSocket"] = (family) => currentSockets().streamSocket(family);
export const datagramSocket: Sockets["datagramSocket"] = (family) => currentSockets().datagramSocket(family);
export const echoSocket: Sockets["echoSocket"] = (family) => currentSockets().echoSocket(family);
export const bindTo: Sockets["bindTo"] = (fd, address) => currentSockets().bindTo(fd, address);
export const acceptFrom: Sockets["acceptFrom"] = (fd, peerAt, peerBytes) =>
  currentSockets().acceptFrom(fd, peerAt, peerBytes);
export const connectTo: Sockets["connectTo"] = (fd, address) => currentSockets().connectTo(fd, address);
export const localAddress: Sockets["localAddress"] = (fd, into) => currentSockets().localAddress(fd, into);
export const setNoDelay: Sockets["setNoDelay"] = (fd) => currentSockets().setNoDelay(fd);
export const setHops: Sockets["setHops"] = (fd, family, hops) => currentSockets().setHops(fd, family, hops);
export const setAbort: Sockets["setAbort"] = (fd, aborts) => currentSockets().setAbort(fd, aborts);
export const takeError: Sockets["takeError"] = (fd) => currentSockets().takeError(fd);
export const unsentBytes: Sockets["unsentBytes"] = (fd) => currentSockets().unsentBytes(fd);
export const receive: Sockets["receive"] = (fd, at, bytes) => currentSockets().receive(fd, at, bytes);
export const send: Sockets["send"] = (fd, at, bytes) => currentSockets().send(fd, at, bytes);
export const sendUrgent: Sockets["sendUrgent"] = (fd, at, bytes) => currentSockets().sendUrgent(fd, at, bytes);
export const receiveFrom: Sockets["receiveFrom"] = (fd, at, bytes, peerAt, peerBytes) =>
  currentSockets().receiveFrom(fd, at, bytes, peerAt, peerBytes);
export const sendTo: Sockets["sendTo"] = (fd, at, bytes, peer) => currentSockets().sendTo(fd, at, bytes, peer);
export const shutdownWrite: Sockets["shutdownWrite"] = (fd) => currentSockets().shutdownWrite(fd);
export const closeFile: Sockets["closeFile"] = (fd) => currentSockets().closeFile(fd);
export const clearSignal: Sockets["clearSignal"] = (fd) => currentSockets().clearSignal(fd);

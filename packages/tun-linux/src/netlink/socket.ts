// A netlink socket: requests that are acknowledged, dumps, batches, and events of multicast groups.
//
// The kernel works on a request inside the system call that sends it, so an answer waits when `send` returns; every
// receive is bounded all the same.
import { DeviceError } from "@bunnel/device";
import { systemError } from "../errors.ts";
import * as sys from "../sys.ts";
import * as nl from "./constants.ts";
import { failureOf, requestError, type Failure, type NetlinkNames } from "./failure.ts";
import { parseMessages, type NetlinkMessage, type ReceivedMessage } from "./message.ts";

/** How long an answer is waited for. */
const ANSWER_TIMEOUT_MS = 5000;
/** The kernel cuts a dump into datagrams of at most 32 KiB when the reader has room for them. */
const RECEIVE_BYTES = 65536;
/** Room for the acknowledgements of a large batch and for bursts of events. Taken only while they wait. */
const RECEIVE_QUEUE_BYTES = 4 << 20;
/** A batch above this needs a larger send buffer than the system's default. */
const SEND_QUEUE_PLAIN_BYTES = 100_000;
/** A dump during which something changed is asked for again this often. */
const DUMP_TRIES_MAX = 8;

/** How a netlink socket is opened. */
export interface NetlinkSocketOptions {
  /** Multicast groups as a bit mask (RTMGRP_*): the socket then receives their events. */
  readonly groups?: number;
  /** Where the kernel can, it checks requests and filters dumps as asked (NETLINK_GET_STRICT_CHK). Default false. */
  readonly strict?: boolean;
  /** What errors call requests and attributes. Default: their numbers. */
  readonly names?: NetlinkNames;
}

const NUMBERS: NetlinkNames = {
  request: (type) => `netlink request ${type}`,
  attribute: (_type, path) => `attribute ${path.join(".")}`,
};

/** A netlink socket of any family: requests with acknowledgement, dumps, batches, events. */
export class NetlinkSocket implements Disposable {
  readonly #buffer = new sys.ReceiveBuffer(RECEIVE_BYTES);
  readonly #names: NetlinkNames;
  #sequence = 0;
  #open = true;

  private constructor(
    readonly fd: number,
    names: NetlinkNames,
  ) {
    this.#names = names;
  }

  /**
   * Opens a socket in the calling thread's network namespace, where it stays.
   * @param protocol NETLINK_ROUTE or NETLINK_NETFILTER
   * @throws DeviceError E_UNSUPPORTED or E_DEVICE_SYSTEM when the kernel has no such protocol
   */
  static open(protocol: number, options: NetlinkSocketOptions = {}): NetlinkSocket {
    const fd = sys.openNetlink(protocol);
    if (fd < 0) throw systemError(`opening netlink protocol ${protocol}`, sys.errno());
    const errno = sys.setReceiveTimeout(fd, ANSWER_TIMEOUT_MS) || sys.bindNetlink(fd, options.groups ?? 0);
    if (errno !== 0) {
      sys.closeFd(fd);
      throw systemError(`setting up netlink protocol ${protocol}`, errno);
    }
    // Older kernels know less of these; then errors come without words, and dumps without a filter.
    sys.setOption(fd, nl.SOL_NETLINK, nl.NETLINK_CAP_ACK, 1);
    sys.setOption(fd, nl.SOL_NETLINK, nl.NETLINK_EXT_ACK, 1);
    if (options.strict) sys.setOption(fd, nl.SOL_NETLINK, nl.NETLINK_GET_STRICT_CHK, 1);
    // Without the right to force it the default queue stays, which serves all but the largest batches.
    sys.setSocketOption(fd, sys.SO_RCVBUFFORCE, RECEIVE_QUEUE_BYTES);
    return new NetlinkSocket(fd, options.names ?? NUMBERS);
  }

  /**
   * Sends a request and waits for its acknowledgement.
   * @param about what it is about; errors begin with it
   * @throws NetlinkError with the kernel's errno and its explanation
   */
  request(message: NetlinkMessage, about = ""): void {
    this.batch([message], nl.NLM_F_ACK, about);
  }

  /**
   * Sends several messages in one datagram, as nfnetlink wants its transactions, and collects the acknowledgements of
   * those with NLM_F_ACK. Never set NLM_F_ACK on the messages that begin and end a transaction.
   * @param extraFlags set on every message
   * @param about what they are about; errors begin with it
   * @throws NetlinkError of the first message that failed; its text names the index
   */
  batch(messages: readonly NetlinkMessage[], extraFlags = 0, about = ""): void {
    if (messages.length === 0) return;
    const first = this.#take(messages.length);
    this.#send(messages.map((message, index) => message.toBytes(first + index, extraFlags)));
    const waiting = new Set<number>();
    for (const [index, { flags }] of messages.entries()) if ((flags | extraFlags) & nl.NLM_F_ACK) waiting.add(index);
    const failures: { index: number; failure: Failure }[] = [];
    // After the first failure the rest is read only as far as it is there: the kernel may have given up the batch.
    for (;;) {
      const answers = this.#receive(waiting.size > 0 && failures.length === 0);
      if (!answers) break;
      for (const answer of answers) {
        const index = answer.sequence - first;
        const message = messages[index];
        if (answer.type !== nl.NLMSG_ERROR || !message) continue;
        waiting.delete(index);
        const failure = failureOf(answer);
        if (failure.errno !== 0) failures.push({ index, failure });
      }
    }
    const worst = failures.toSorted((a, b) => a.index - b.index)[0];
    if (worst) throw requestError(messages, worst.index, worst.failure, this.#names, about);
  }

  /**
   * Sends a request with NLM_F_DUMP and gives all messages that answer it. A dump that was disturbed by a change is
   * asked for again.
   * @throws NetlinkError with the kernel's errno and its explanation
   */
  dump(message: NetlinkMessage): ReceivedMessage[] {
    for (let attempt = 0; attempt < DUMP_TRIES_MAX; attempt++) {
      const messages = this.#exchange(message, nl.NLM_F_DUMP);
      if (messages) return messages;
    }
    throw new DeviceError(
      "E_DEVICE_SYSTEM",
      `netlink dump ${message.type}: disturbed ${DUMP_TRIES_MAX} times in a row`,
    );
  }

  /**
   * Sends a request that is answered by one message and an acknowledgement, and gives the message.
   * @throws NetlinkError with the kernel's errno and its explanation
   */
  get(message: NetlinkMessage): ReceivedMessage | undefined {
    return this.#exchange(message, nl.NLM_F_ACK)?.[0];
  }

  /**
   * Messages that wait at the socket, for sockets with groups; none when the time is over.
   * @throws DeviceError E_DEVICE_SYSTEM with errno ENOBUFS (105) when events were lost: look again at everything
   */
  receive(timeoutMs: number): ReceivedMessage[] {
    this.#mustBeOpen();
    const poll = new sys.PollSet(1);
    poll.set(0, this.fd);
    if (poll.poll(timeoutMs) <= 0) return [];
    return this.#receive(false) ?? [];
  }

  /** Closes it. A second call does nothing. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    sys.closeFd(this.fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The messages up to the end of the answer; undefined when the dump was disturbed. */
  #exchange(message: NetlinkMessage, flags: number): ReceivedMessage[] | undefined {
    const sequence = this.#take(1);
    this.#send([message.toBytes(sequence, flags)]);
    const messages: ReceivedMessage[] = [];
    let disturbed = false;
    for (;;) {
      for (const answer of this.#receive(true) ?? []) {
        if (answer.sequence !== sequence) continue;
        if (answer.flags & nl.NLM_F_DUMP_INTR) disturbed = true;
        if (answer.type === nl.NLMSG_ERROR || answer.type === nl.NLMSG_DONE) {
          const failure = failureOf(answer);
          if (failure.errno !== 0) throw requestError([message], 0, failure, this.#names);
          return disturbed ? undefined : messages;
        }
        if (answer.type !== nl.NLMSG_NOOP) messages.push(answer);
      }
    }
  }

  #take(count: number): number {
    const first = this.#sequence + 1 > 0x7fff0000 ? 1 : this.#sequence + 1;
    this.#sequence = first + count - 1;
    return first;
  }

  #send(parts: readonly Uint8Array[]): void {
    this.#mustBeOpen();
    const octets = joined(parts);
    if (octets.length > SEND_QUEUE_PLAIN_BYTES) {
      sys.setSocketOption(this.fd, sys.SO_SNDBUFFORCE, octets.length * 2);
    }
    const sent = sys.sendOctets(this.fd, octets);
    if (sent !== octets.length) throw systemError("sending a netlink request", sys.errno());
  }

  /** The messages of the next datagram from the kernel; undefined when none waits and `blocking` is false. */
  #receive(blocking: boolean): ReceivedMessage[] | undefined {
    const length = this.#buffer.receive(this.fd, blocking);
    if (length < 0) {
      const errno = sys.errno();
      if (errno !== sys.EAGAIN) throw systemError("receiving from netlink", errno);
      if (!blocking) return undefined;
      throw new DeviceError(
        "E_DEVICE_SYSTEM",
        `netlink answer: expected within ${ANSWER_TIMEOUT_MS} ms, none came`,
        errno,
      );
    }
    if (length > this.#buffer.bytes) {
      throw new DeviceError(
        "E_DEVICE_SYSTEM",
        `netlink datagram: expected at most ${this.#buffer.bytes} octets, found ${length}`,
      );
    }
    // Any process may send to a netlink port; only the kernel's port is 0.
    return this.#buffer.senderPort === 0 ? parseMessages(this.#buffer.octets(length)) : [];
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_STATE", "netlink socket: expected open, found closed");
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const octets = new Uint8Array(new ArrayBuffer(parts.reduce((sum, part) => sum + part.length, 0)));
  let at = 0;
  for (const part of parts) {
    octets.set(part, at);
    at += part.length;
  }
  return octets;
}

// How a device is opened, and what can be asked and changed about it while it is open.

/** "ip": a TUN device, packets start with the IP header. "ethernet": a TAP device, packets are Ethernet frames. */
export type Medium = "ip" | "ethernet";

/** An address of an interface, with more than its prefix length. */
export interface DeviceAddress {
  /** With its prefix length: "192.0.2.1/24". */
  readonly address: string;
  /** The other end of a point-to-point address. Its prefix length then counts; without one it stands for one host. */
  readonly peer?: string;
  /** IPv4: "192.0.2.255", or "auto" for the highest address of the network. Default: the system's choice. */
  readonly broadcast?: string;
  /** False: no route to the address's network comes with it. Default true. */
  readonly connectedRoute?: boolean;
}

/** How a device is opened. What is left out, the system or the driver decides. */
export interface DeviceOptions {
  /** Interface name, at most 15 octets; `%d` is replaced by a number. Default: the system's choice. */
  readonly name?: string;
  /** The interface index. Default: the system's choice. */
  readonly index?: number;
  /** Default "ip". */
  readonly medium?: Medium;
  /** Octets of the largest packet; of an Ethernet device without the Ethernet header. Default 1500. */
  readonly mtuBytes?: number;
  /** Addresses with prefix: "10.0.85.1/24", "2001:db8::1/64". Default: none. */
  readonly addresses?: readonly (string | DeviceAddress)[];
  /** Hardware address of an Ethernet device: "02:00:00:00:00:01". Default: the system's choice. */
  readonly mac?: string;
  /** Bring it up. Default true. */
  readonly up?: boolean;
  /** Ask for segmentation offload. Default false. */
  readonly offload?: boolean;
  /** Octets of the virtio_net_hdr, with `offload`: 10 to 124; those behind the tenth are zero. Default 10. */
  readonly vnetHeaderBytes?: number;
  /** Keep the four octets of packet information before each packet: flags, and the EtherType. Default false. */
  readonly packetInformation?: boolean;
  /** Open it so that more queues can follow. Default false. */
  readonly multiQueue?: boolean;
  /** Written packets take the kernel's batch path, where it may merge those of one flow. Default false. */
  readonly napi?: boolean;
  /** Packets the system keeps for us. Default: the system's. */
  readonly txQueueLength?: number;
  /** Octets of written packets that may be under way in the system. Default: no limit worth speaking of. */
  readonly sendBufferBytes?: number;
  /** "none": no IPv6 link-local address comes by itself. Default "system". */
  readonly ipv6LinkLocal?: "system" | "none";
  /** Link type as other programs see it (linux/if_arp.h ARPHRD_*). Default: that of the medium. */
  readonly linkType?: number;
  /** False: as if the cable were out. Default true. */
  readonly carrier?: boolean;
  /** The interface stays when the device is closed, or no longer does. Default: as it is; a new one does not. */
  readonly persistent?: boolean;
  /** The user, by number, who may open the interface without privilege. */
  readonly owner?: number;
  /** The group, by number, whose members may. */
  readonly group?: number;
  /** Only a new interface will do; one of that name is E_DEVICE_BUSY even if nobody has it open. Default false. */
  readonly exclusive?: boolean;
  /**
   * Only an existing interface will do, and nothing about it is changed: needs a `name`, no privilege for its owner,
   * and excludes every option that would change it. Default false.
   */
  readonly attach?: boolean;
  /** A persistent interface, too, goes when the device is closed. Default false. */
  readonly deleteOnClose?: boolean;
}

/** What can be changed about an open device. */
export type DeviceChange = Partial<
  Pick<
    Required<DeviceOptions>,
    "carrier" | "deleteOnClose" | "group" | "linkType" | "mac" | "owner" | "persistent" | "sendBufferBytes"
  >
> & {
  /** "detached": this queue gets no packets, and those that wait in it are lost; its descriptor stays open. */
  readonly queue?: "attached" | "detached";
  /** Which of its events the driver tells the system's log (linux/netdevice.h NETIF_MSG_*). */
  readonly logMask?: number;
};

/** What is so about an open device now. */
export interface DeviceState {
  readonly name: string;
  readonly persistent: boolean;
  readonly multiQueue: boolean;
  /** Whether this queue gets packets. */
  readonly queue: "attached" | "detached";
  readonly sendBufferBytes: number;
  /** Hardware address of an Ethernet device. */
  readonly mac?: string;
  /** The user and the group who may open it; undefined: only who has the privilege. */
  readonly owner?: number;
  readonly group?: number;
  /** Queues that get packets, and those that are detached. */
  readonly queues: number;
  readonly detachedQueues: number;
}

/** A descriptor that somebody else opened: inherited, received over a socket, or given by the system. */
export interface DescriptorOptions {
  /** "owned": `close` closes it. "borrowed": it stays open, and gets back the blocking mode that it had. */
  readonly ownership: "owned" | "borrowed";
  /** What the descriptor does not tell itself; where it does, the two must agree. Default "ip". */
  readonly medium?: Medium;
  /** Packets carry a virtio_net_hdr. Default: what the descriptor tells, else false. */
  readonly vnetHeader?: boolean;
  /** Packets carry packet information. Default: what the descriptor tells, else false. */
  readonly packetInformation?: boolean;
  /** For descriptors that do not tell: the interface behind them. Default: "fd" and the number; index 0. */
  readonly name?: string;
  readonly index?: number;
}

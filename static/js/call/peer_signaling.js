/** The reliable signaling to one peer: pushes bodies out over the socket, hands received ones on in order. */

import { ack, signal } from "../lib/protocol.js";
import { ReliableReceiver, ReliableSender } from "../lib/reliable.js";

/** @import { Message, SignalBody } from "../lib/protocol.js" */

export class PeerSignaling {
  /** @type {ReliableSender<SignalBody>} */
  #sender;
  /** @type {ReliableReceiver<SignalBody>} */
  #receiver;
  #options;

  /**
   * @param {object} options
   * @param {string} options.peer_id
   * @param {string} options.stream_out
   * @param {string} options.stream_in
   * @param {(message: Message) => boolean} options.send false when the socket is down; the stream repeats later
   * @param {(body: SignalBody) => void} options.deliver
   */
  constructor(options) {
    this.#options = options;
    this.#sender = new ReliableSender(options.stream_out);
    this.#receiver = new ReliableReceiver(options.stream_in);
  }

  /** @param {SignalBody} body @param {number} now_ms */
  push(body, now_ms) {
    this.#sender.push(body);
    this.flush(now_ms);
  }

  /** Sends what is due; called on every tick. @param {number} now_ms */
  flush(now_ms) {
    for (const { seq, body } of this.#sender.due(now_ms)) {
      this.#options.send(signal(this.#options.peer_id, this.#sender.stream, seq, body));
    }
  }

  /** The socket is back, or the peer is: nothing is known of what arrived. @param {number} now_ms */
  resume(now_ms) {
    this.#sender.repeat_all();
    this.flush(now_ms);
  }

  /** @param {Message} message a `signal` or an `ack` from this peer */
  receive(message) {
    if (message.type === "ack") {
      this.#sender.acknowledge(message.stream, message.seq);
      return;
    }
    // Another stream belongs to a page load that this connection is not with; its sender will notice by itself.
    if (message.stream !== this.#options.stream_in) return;
    for (const body of this.#receiver.receive(message.stream, message.seq, message.body)) this.#options.deliver(body);
    this.#options.send(ack(this.#options.peer_id, message.stream, this.#receiver.contiguous));
  }
}

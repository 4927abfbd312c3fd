/**
 * Carries every encoded frame through a worker, unchanged, and counts it. The counters are the only proof that a
 * transform is really in the path: Chromium silently ignores one that was attached too late. Encryption takes the
 * place of the bare pipe in its own module later.
 *
 * Also beats time for the heartbeat, because a hidden page's own timers are slowed to one a second.
 */

/** @type {Map<string, Record<string, number>>} frames by connection, then by "send:audio", "receive:video", ... */
const counts = new Map();

/**
 * Every pipe that runs, with all its parts. Chromium collects a transformer, or a pipe whose ends nobody holds, as
 * garbage while frames are still to come, and the media silently stops.
 *
 * @type {Map<string, unknown[]>}
 */
const held = new Map();

/** @param {{transformer: {options: {connection: string, label: string}, readable: ReadableStream, writable: WritableStream}}} event */
function carry({ transformer }) {
  const { options, readable, writable } = transformer;
  const { connection, label } = options;
  const frames = counts.get(connection) ?? {};
  counts.set(connection, frames);
  frames[label] ??= 0;
  const counter = new TransformStream({
    transform(frame, controller) {
      frames[label] = (frames[label] ?? 0) + 1;
      controller.enqueue(frame);
    },
  });
  // The pipe ends with an error when its sender or receiver goes away; nobody is left who could want the frames.
  const pipe = readable.pipeThrough(counter).pipeTo(writable).catch(() => {});
  held.set(connection, [...(held.get(connection) ?? []), transformer, readable, writable, counter, pipe]);
}

self.addEventListener("rtctransform", (event) => carry(/** @type {any} */ (event)));

self.addEventListener("message", (event) => {
  const { type, id, connection, interval_ms } = event.data;
  if (type === "count") self.postMessage({ type: "counted", id, frames: counts.get(connection) ?? {} });
  else if (type === "forget") {
    counts.delete(connection);
    held.delete(connection);
  }
  else if (type === "beat") setInterval(() => self.postMessage({ type: "beat" }), interval_ms);
});

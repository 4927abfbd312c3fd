/**
 * Loaded before the product's worker: writes down every nonce with which the worker's keys seal, dropped frames and all routes
 * included, and says on the channel "nonces" how many there were and how many came twice. {do: "repeat"} is its own control.
 */

/** @type {Map<CryptoKey, Set<string>>} */
const used = new Map();
let sealed = 0;
let repeated = 0;

const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
crypto.subtle.encrypt = (algorithm, key, data) => {
  const nonces = used.get(key) ?? new Set();
  used.set(key, nonces);
  const { iv } = /** @type {{iv: Uint8Array}} */ (/** @type {unknown} */ (algorithm));
  const nonce = [...iv].join();
  sealed += 1;
  if (nonces.has(nonce)) repeated += 1;
  nonces.add(nonce);
  return encrypt(algorithm, key, data);
};

const channel = new BroadcastChannel("nonces");
channel.addEventListener("message", async ({ data }) => {
  if (data.do === "repeat") {
    const key = await crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]);
    for (const text of ["one", "two"]) {
      await crypto.subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(12) }, key, new TextEncoder().encode(text));
    }
  }
  if (data.do) channel.postMessage({ sealed, repeated, keys: used.size });
});

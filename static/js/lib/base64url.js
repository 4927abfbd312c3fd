/** RFC 4648 §5 without padding, for keys and digests in JSON. */

/** @param {Uint8Array} bytes @returns {string} */
export function to_base64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {unknown} text @returns {Uint8Array<ArrayBuffer>|null} null for anything that is not base64url */
export function from_base64url(text) {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) return null;
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (character) => character.charCodeAt(0));
}

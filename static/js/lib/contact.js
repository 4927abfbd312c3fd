/**
 * Whether a text can be an e-mail address or a phone number. Only what is surely neither is refused: the server decides.
 *
 * @param {string} text
 */
export function reads_as_contact(text) {
  const trimmed = text.trim();
  if (trimmed.includes("@")) return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(trimmed);
  return /^\+?[\d\s()/.-]+$/.test(trimmed) && trimmed.replace(/\D/g, "").length >= 6;
}

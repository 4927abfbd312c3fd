// Phone numbers as they are shown and as they are dialled. Pure.

/** The number on one line: a broken number is misread. @param {string} phone */
export const unbroken = (phone) => phone.replace(/\s/g, "\u00a0");

/** @param {string} phone @returns {string} the address of a link that calls it */
export const dial_address = (phone) => `tel:${phone.replace(/[^+\d]/g, "")}`;

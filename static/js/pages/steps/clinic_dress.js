// The clinic's name, colour, logo and phone number on the page, and the language of the page.

import { find, show, write } from "../dom.js";
import { dial_address, unbroken } from "./phone.js";

/** @param {import("../join.js").Visit} visit */
export function dress(visit) {
  const { clinic } = visit;
  write(document, "clinic_name", clinic.name);
  if (/^#[0-9a-f]{6}$/i.test(clinic.accent)) document.documentElement.style.setProperty("--accent", clinic.accent);
  const logo = find(document, "[data-part=clinic_logo]", HTMLImageElement);
  if (clinic.logo_url && logo.getAttribute("src") !== clinic.logo_url) logo.src = clinic.logo_url;
  show(document, "clinic_logo", Boolean(clinic.logo_url));
  show(document, "clinic_mark", !clinic.logo_url);
  show(document, "clinic_phone", Boolean(clinic.phone));
  const phone = find(document, "[data-link=phone]", HTMLAnchorElement);
  phone.textContent = unbroken(clinic.phone);
  phone.href = dial_address(clinic.phone);
}

/** A redirect keeps the fragment of the address that was posted to: so the token survives a change of language. @param {string} token */
export function keep_token_on_language_change(token) {
  const form = document.getElementById("languages");
  if (!(form instanceof HTMLFormElement)) return;
  form.action = form.action.replace(/#.*$/, "") + (token ? `#${token}` : "");
  const next = form.querySelector("[name=next]");
  if (next instanceof HTMLInputElement) next.value = location.pathname;
}

/** Once per tab the page turns to the language the practice has noted; after that the person's own choice counts. @param {string|undefined} language @returns {boolean} the page reloads */
export function speak_their_language(language) {
  const mark = "visit-language-offered";
  try {
    if (sessionStorage.getItem(mark)) return false;
    sessionStorage.setItem(mark, "yes");
  } catch {
    return false;
  }
  if (!language || language === document.documentElement.lang) return false;
  const button = document.querySelector(`#languages button[value="${CSS.escape(language)}"]`);
  if (!(button instanceof HTMLButtonElement)) return false;
  button.click();
  return true;
}

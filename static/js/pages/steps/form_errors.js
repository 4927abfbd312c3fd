// Errors of a form: a list on top that links to the fields, a sentence at each field, and the focus on the list.

import { find, find_html, focus_on, show } from "../dom.js";

/** @typedef {Record<string, string>} FieldErrors name of the control -> sentence */

/** @param {HTMLElement} section @param {HTMLFormElement} form */
export function clear_errors(section, form) {
  show(section, "errors", false);
  for (const sentence of form.querySelectorAll(".field__error")) sentence.remove();
  for (const field of form.querySelectorAll(".field--invalid")) field.classList.remove("field--invalid");
  for (const control of form.querySelectorAll("[aria-invalid]")) {
    control.removeAttribute("aria-invalid");
    describe(control, control.getAttribute("aria-describedby")?.replace(/\S+-error\b/, "") ?? "");
  }
}

/** @param {Element} control @param {string} ids */
function describe(control, ids) {
  const trimmed = ids.trim().replace(/\s+/g, " ");
  if (trimmed) control.setAttribute("aria-describedby", trimmed);
  else control.removeAttribute("aria-describedby");
}

/** @param {HTMLFormElement} form @param {string} name */
function control_of(form, name) {
  const control = form.querySelector(`[name="${CSS.escape(name)}"]`);
  return control instanceof HTMLElement ? control : null;
}

/**
 * @param {HTMLElement} section @param {HTMLFormElement} form
 * @param {FieldErrors} errors @param {string} [general] a sentence about the whole form
 */
export function show_errors(section, form, errors, general = "") {
  clear_errors(section, form);
  const list = find(section, "[data-list=errors]", HTMLUListElement);
  list.replaceChildren();
  // "Look at this again" is about fields; a server that cannot be reached is nobody's mistake.
  find_html(section, "[data-part=errors] h2").hidden = Object.keys(errors).length === 0;
  if (general) add_item(list, general, null);
  for (const [name, sentence] of Object.entries(errors)) {
    const control = control_of(form, name);
    add_item(list, sentence, control);
    if (control) mark(control, sentence);
  }
  show(section, "errors", true);
  const summary = find_html(section, "[data-part=errors]");
  focus_on(summary);
  summary.scrollIntoView({ block: "start" });
}

/** The mark of one field goes as soon as it is changed; the list on top stays until the form is sent again. @param {EventTarget|null} control */
export function clear_mark(control) {
  if (!(control instanceof HTMLElement) || !control.hasAttribute("aria-invalid")) return;
  const field = control.closest(".field--invalid");
  field?.classList.remove("field--invalid");
  document.getElementById(`${control.id}-error`)?.remove();
  control.removeAttribute("aria-invalid");
  describe(control, control.getAttribute("aria-describedby")?.replace(/\S+-error\b/, "") ?? "");
}

/** @param {HTMLUListElement} list @param {string} sentence @param {HTMLElement | null} control */
function add_item(list, sentence, control) {
  const item = document.createElement("li");
  if (control?.id) {
    const link = document.createElement("a");
    link.href = `#${control.id}`;
    link.textContent = sentence;
    // Not by the fragment: it would enter the history and confuse the way back.
    link.addEventListener("click", (event) => {
      event.preventDefault();
      control.focus();
    });
    item.append(link);
  } else {
    item.textContent = sentence;
  }
  list.append(item);
}

/** @param {HTMLElement} control @param {string} sentence */
function mark(control, sentence) {
  const field = control.closest(".field");
  if (!field) return;
  field.classList.add("field--invalid");
  const paragraph = document.createElement("p");
  paragraph.className = "field__error";
  paragraph.id = `${control.id}-error`;
  paragraph.textContent = sentence;
  (control.closest(".choice") ?? control).before(paragraph);
  control.setAttribute("aria-invalid", "true");
  describe(control, `${control.getAttribute("aria-describedby") ?? ""} ${paragraph.id}`);
}

// When the path cannot go on: what happened, what it means, one or two ways on. Never a code, never blame.

import { find, find_button, set_busy, show, write } from "../dom.js";
import { has_text, t } from "../texts.js";
import { dial_address, unbroken } from "./phone.js";

/** @typedef {import("../join.js").Path} Path */

/** Kinds where trying again can help, and which way leads there. */
const RETRY = new Set(["offline", "server", "refused", "stale_page", "rate_limited", "replaced"]);
const CALL_FIRST = new Set(["unknown_link", "link_used", "late", "cancelled", "no_seat", "removed", "ended", "refused", "no_link"]);

export class TroubleStep {
  kind = "server";
  message = "";

  /** @param {HTMLElement} section @param {Path} path */
  constructor(section, path) {
    this.section = section;
    this.path = path;
    const retry = find_button(section, "[data-action=retry]");
    retry.addEventListener("click", () => {
      set_busy(retry, true);
      void path.retry_after(this.kind).finally(() => set_busy(retry, false));
    });
  }

  enter() {
    const { kind } = this;
    const visit = this.path.visit;
    const names = { clinic: visit?.clinic.name ?? "", name: visit?.practitioner?.name || t("your_doctor") };
    write(this.section, "trouble_title", t(`trouble_${kind}_title`, names));
    write(this.section, "trouble_text", kind === "server" && this.message ? this.message : t(`trouble_${kind}_text`, names));
    const next = `trouble_${kind}_next`;
    write(this.section, "trouble_next", has_text(next) ? t(next, names) : "");
    const phone = visit?.clinic.phone ?? "";
    const call = find(this.section, "[data-link=phone_button]", HTMLAnchorElement);
    call.href = dial_address(phone);
    call.classList.toggle("button--quiet", !CALL_FIRST.has(kind));
    write(this.section, "call_label", t("call_clinic", { phone: unbroken(phone) }));
    show(this.section, "call", phone !== "");
    write(this.section, "retry_label", t(kind === "refused" ? "back_to_question" : kind === "stale_page" ? "reload" : "try_again"));
    show(this.section, "retry", RETRY.has(kind));
  }

  leave() {}
}

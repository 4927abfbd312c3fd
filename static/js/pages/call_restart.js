// The server of this visit ends soon and another one takes over: told in time, and put away with one press.

import { announce, find_button, show, write } from "./dom.js";
import { t } from "./texts.js";

export class RestartNotice {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    find_button(root, "[data-action=close_restart]").onclick = () => this.hide();
  }

  /** @param {number} in_ms */
  tell(in_ms) {
    const minutes = Math.max(1, Math.round(in_ms / 60_000));
    const title = minutes === 1 ? t("call_restart_minute") : t("call_restart_minutes", { minutes });
    write(this.root, "restart_title", title);
    write(this.root, "restart_body", t("call_restart_body"));
    show(this.root, "restart", true);
    announce(`${title}. ${t("call_restart_body")}`);
  }

  /** Also for whoever came to another server: it lies behind them. */
  hide() {
    show(this.root, "restart", false);
  }
}

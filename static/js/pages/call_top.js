// The top line: who is here, how long, and the truth about the connection. Who could read it says call_privacy.js.

import { format_duration } from "../lib/duration.js";
import { path_words, quality_words } from "../lib/call_words.js";
import { find_html, show, write } from "./dom.js";
import { t } from "./texts.js";

/**
 * @typedef {{state: string, route: string}} Path
 * @typedef {{word: string, factor: string|null}} Verdict
 */

export class TopLine {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
  }

  /** One line whoever comes: several names stand on the tiles and in the list of people. @param {{name: string}[]} others */
  draw_title(others) {
    const [first, second] = others;
    const title = second ? t("call_with_count", { count: others.length }) : first ? t("call_with", { names: first.name }) : t("call_title_alone");
    write(this.root, "call_title", title);
  }

  /** @param {Path[]} paths @param {Verdict|null} verdict @param {string} name of the other person, for the route */
  draw_facts(paths, verdict, name) {
    const words = path_words(paths);
    write(this.root, "route", t(`call_route_${words.route}`, { name }));
    find_html(this.root, "[data-testid=route]").dataset.route = words.encrypted ? words.route : "";
    // Beside "Through the clinic's server" and "Not connected" it would say the same once more.
    find_html(this.root, "[data-fact=route]").hidden = words.route === "server" || words.route === "none";
    const quality = quality_words(verdict, words);
    write(this.root, "quality", t(quality.key));
    find_html(this.root, "[data-fact=quality]").hidden = words.route === "none";
    find_html(this.root, "[data-fact=quality]").dataset.word = quality.key.replace("call_quality_", "");
    show(this.root, "quality_tip", quality.tip !== null);
    if (quality.tip) write(this.root, "quality_tip", t(quality.tip));
  }

  /** @param {number|null} elapsed_ms null: nobody else is here */
  draw_clock(elapsed_ms) {
    show(this.root, "timer", elapsed_ms !== null);
    if (elapsed_ms !== null) write(this.root, "timer", format_duration(elapsed_ms));
  }
}

/** Puts the real view around the made-up client: ?viewer=patient|practitioner &people=1..8 (this person counted) &engine=p2p|sfu. */

import { CallView } from "/static/js/pages/call_view.js";
import { InviteDialog } from "/static/js/pages/visit_invite.js";
import { PathPanel } from "/static/js/pages/visit_path.js";
import { PeopleList } from "/static/js/pages/visit_people.js";
import { select_tab, wire_tabs } from "/static/js/pages/visit_tabs.js";
import { CAST, FakeClient, paint_person } from "./fake_client.js";

const address = new URLSearchParams(location.search);
const viewer = address.get("viewer") ?? "patient";
const people = Number(address.get("people") ?? 3);
const me = viewer === "practitioner" ? "anna" : "maria";
const others = CAST.map(({ id }) => id).filter((id) => id !== me).slice(0, people - 1);
const client = new FakeClient({ me, others, engine: /** @type {"p2p"|"sfu"} */ (address.get("engine") ?? (people > 2 ? "sfu" : "p2p")) });

document.body.classList.add("call");
for (const section of document.querySelectorAll("#main > [data-step]")) {
  if (section instanceof HTMLElement) section.hidden = section.dataset.step !== "visit";
}
const root = /** @type {HTMLElement} */ (document.getElementById("call"));
const any_client = /** @type {any} */ (client);
const view = new CallView({ root, client: any_client, stream: paint_person(CAST.findIndex(({ id }) => id === me)), on_leave: () => {} });

const drawer = document.getElementById("drawer");
if (drawer) {
  const list = new PeopleList(/** @type {HTMLElement} */ (drawer.querySelector("[data-part=people]")), any_client);
  const path = new PathPanel(drawer, any_client);
  const invite = new InviteDialog(/** @type {HTMLElement} */ (document.getElementById("main")), any_client);
  const tabs = /** @type {HTMLElement} */ (drawer.querySelector("[role=tablist]"));
  wire_tabs(tabs);
  select_tab(tabs, "tab-people");
  const draw = () => {
    list.draw(client.state.me, client.state.participants);
    path.draw();
  };
  client.addEventListener("state", draw);
  draw();
  Object.assign(globalThis, { invite });
}
if (people > 1) client.connect();
Object.assign(globalThis, { client, view, cast: CAST });

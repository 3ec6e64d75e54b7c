/** What shortcuts, the palette and menus do, each by its name, and whether it can be done on this page. */

import { setTheme, toggleContrast } from "./appearance.js";
import { toggleRail } from "./drawer.js";
import { openDialog } from "./dialogs.js";

const $ = (selector) => document.querySelector(selector);
const last = (selector) => [...document.querySelectorAll(selector)].at(-1);
const copyOfAnswer = () => last('.message.agent:not([data-status="queued"], [data-status="running"]) [data-copy-message]');
const runs = () => $("#composer")?.dataset.running === "true";

const always = () => true;
const theme = (name) => ({ can: always, run: () => setTheme(name) });

const ACTIONS = {
  palette: { can: always, run: () => openDialog("palette") },
  sheet: { can: always, run: () => openDialog("shortcuts") },
  rail: { can: always, run: () => toggleRail() },
  new: { can: () => $("[data-new-conversation]"), run: () => location.assign($("[data-new-conversation]").href) },
  composer: { can: () => $("#composer-text"), run: () => $("#composer-text").focus() },
  copy: { can: copyOfAnswer, run: () => copyOfAnswer().click() },
  code: { can: () => last("[data-copy-code]"), run: () => last("[data-copy-code]").click() },
  stop: { can: () => runs() && $("[data-stop-button]"), run: () => $("[data-stop-button]").click() },
  picker: { can: () => $("[data-open-picker]"), run: () => $("[data-open-picker]").click() },
  contrast: { can: always, run: toggleContrast },
  "theme-system": theme("system"),
  "theme-light": theme("light"),
  "theme-dark": theme("dark"),
};

/** Whether there is something to do here. */
export const can = (name) => Boolean(ACTIONS[name]?.can());

/** Do it; false when it cannot be done here. */
export function act(name) {
  if (!can(name)) return false;
  ACTIONS[name].run();
  return true;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  button.closest(":popover-open")?.hidePopover();
  act(button.dataset.act);
});

/** The command palette: a field whose arrow keys walk through what the server found. */

import { can } from "./actions.js";
import { nameKeys, openDialog } from "./dialogs.js";

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-q");
const results = document.getElementById("palette-results");
let isBehind = false; // the list is not yet that of the words
let isPressed = false; // Enter came before the list

const options = () => [...results.querySelectorAll("[role=option]")];
const chosen = () => results.querySelector('[aria-selected="true"]');

function choose(option) {
  chosen()?.setAttribute("aria-selected", "false");
  if (!option) return field.removeAttribute("aria-activedescendant");
  option.setAttribute("aria-selected", "true");
  field.setAttribute("aria-activedescendant", option.id);
  return option.scrollIntoView({ block: "nearest" });
}

/** Take out what cannot be done on this page, give the rest names, choose the first. */
function dress() {
  for (const option of options()) if (option.dataset.act && !can(option.dataset.act)) option.remove();
  for (const group of results.querySelectorAll("[role=group]")) if (!group.querySelector("[role=option]")) group.remove();
  options().forEach((option, number) => {
    option.id = `palette-option-${number}`;
    option.setAttribute("aria-selected", "false");
  });
  nameKeys(results);
  field.setAttribute("aria-expanded", String(options().length > 0));
  choose(options()[0]);
}

function press(option, event) {
  if (!option) return;
  const { ctrlKey, metaKey } = event;
  option.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey, metaKey }));
}

function walk(event) {
  const all = options();
  const position = all.indexOf(chosen());
  const next = { ArrowDown: position + 1, ArrowUp: position - 1, PageDown: Math.min(position + 6, all.length - 1), PageUp: Math.max(position - 6, 0) }[event.key];
  if (next === undefined || !all.length) return;
  event.preventDefault();
  choose(all.at(next % all.length));
}

field.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  if (event.key !== "Enter") {
    walk(event);
    return;
  }
  event.preventDefault();
  if (isBehind) isPressed = true;
  else press(chosen(), event);
});
field.addEventListener("input", () => {
  isBehind = true;
  isPressed = false;
});
results.addEventListener("pointermove", ({ target }) => {
  const option = target.closest("[role=option]");
  if (option && option !== chosen()) choose(option);
});
/** Before the deed itself, so that the page has its focus back when something takes it. */
results.addEventListener("click", (event) => {
  if (event.target.closest("[role=option]") && !event.ctrlKey && !event.metaKey) dialog.close();
}, { capture: true });
/** Only now are the links of htmx its own. */
results.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target !== results || !isBehind) return;
  dress();
  isBehind = new URL(event.detail.xhr.responseURL).searchParams.get("q") !== field.value;
  if (isBehind) return;
  const wasPressed = isPressed;
  isPressed = false;
  if (wasPressed) press(chosen(), event);
});
for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  field.addEventListener(name, () => {
    const line = document.createElement("p");
    line.className = "palette-empty";
    line.setAttribute("role", "alert");
    line.textContent = results.dataset.failed;
    results.replaceChildren(line);
    isBehind = false;
  });
}
dialog.addEventListener("wiz:open", () => {
  field.value = "";
  field.removeAttribute("aria-activedescendant");
  results.replaceChildren();
  [isBehind, isPressed] = [true, false];
  field.focus();
  window.htmx.trigger(field, "palette:open");
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-open-palette]")) return;
  event.preventDefault();
  openDialog("palette");
});

/** Choosing who answers: a list that is searched as one types, walked with the arrows, chosen with Enter. */

import { place } from "./place.js";
import { announce } from "./words.js";

const narrow = matchMedia("(max-width: 820px)");
const dialog = document.getElementById("picker");
const field = dialog?.querySelector("[role=combobox]");
const list = dialog?.querySelector("[role=listbox]");

let words = null; // what the list was asked for
let isPressed = false; // Enter came before the list

const rows = () => [...list.querySelectorAll("[role=option]:not([aria-disabled=true])")];
const active = () => list.querySelector("[data-active]");

/** The row that Enter would choose; the focus stays in the field. */
function point(row) {
  active()?.removeAttribute("data-active");
  row?.setAttribute("data-active", "");
  if (row) field.setAttribute("aria-activedescendant", row.id);
  else field.removeAttribute("aria-activedescendant");
  row?.scrollIntoView({ block: "nearest" });
}

function open(button) {
  if (dialog.open) return;
  field.value = "";
  words = null;
  dialog.removeAttribute("style");
  dialog.showModal();
  if (!narrow.matches) place(dialog, button);
  window.htmx.trigger(field, "wiz:open");
  field.focus();
}

/** A fresh list points at the one who answers now, a found one at the best. */
function listed(event) {
  if (event.target !== list) return;
  list.scrollTop = 0;
  const first = field.value ? null : list.querySelector("[aria-selected=true]");
  point(first ?? rows()[0]);
  if (!field.value) list.scrollTop = 0;
  if (dialog.open && !narrow.matches) place(dialog, document.getElementById("picker-button"));
}

/** Only now do the rows do what they say. */
function settled({ detail }) {
  if (detail.target !== list) return;
  words = new URL(detail.xhr.responseURL).searchParams.get("q");
  if (!isPressed || words !== field.value) return;
  isPressed = false;
  active()?.click();
}

function byKey(event) {
  if (event.isComposing) return;
  const found = rows();
  const at = found.indexOf(active());
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: Math.max(0, at - 8) }[event.key];
  if (next !== undefined && found.length) {
    event.preventDefault();
    const isStep = event.key.startsWith("Arrow");
    point(found.at(isStep ? next % found.length : Math.min(next, found.length - 1)));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (words === field.value) active()?.click();
    else isPressed = true;
  }
}

/** The new one is named on the page from now on: in the answer that is to come, and to those who listen. */
function chosen() {
  const choice = document.getElementById("picker-choice");
  const { name, tint } = choice.dataset;
  const mold = document.getElementById("mold-agent").content;
  const mark = choice.querySelector(".picker-mark");
  mold.querySelector(".mark").className = `mark ${tint}`;
  if (mark) mold.querySelector(".mark").replaceChildren(...mark.cloneNode(true).childNodes);
  mold.querySelector("strong").textContent = name;
  announce(dialog.dataset.chosen.replace("{}", name));
  if (!dialog.open) return;
  dialog.close();
  document.getElementById("composer-text").focus();
}

/** Start. Without this, the button leads to a page with the same list. */
export function wirePicker() {
  if (!dialog || !window.htmx) return;
  // A copy of the page with a place in it would break the policy on styles.
  dialog.addEventListener("close", () => {
    dialog.removeAttribute("style");
    isPressed = false;
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-open-picker]");
    if (button && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      open(document.getElementById("picker-button") ?? button);
    } else if (event.target === dialog || event.target.closest("[data-close-picker]")) {
      dialog.close();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== " " || event.target.id !== "picker-button") return;
    event.preventDefault();
    event.target.click();
  });
  field.addEventListener("keydown", byKey);
  field.addEventListener("input", () => (isPressed = false));
  list.addEventListener("pointermove", (event) => {
    const row = event.target.closest("[role=option]:not([aria-disabled=true])");
    if (row && row !== active()) point(row);
  });
  list.addEventListener("htmx:afterSwap", listed);
  list.addEventListener("htmx:afterSettle", settled);
  document.body.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (detail.requestConfig?.elt?.closest?.("#picker-list [role=option]")) chosen();
  });
}

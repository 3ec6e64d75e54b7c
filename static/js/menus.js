/** The menu of those who could answer instead, and the receipt: both are fetched when somebody asks for them. */

import { place, walk } from "./place.js";

const menu = document.getElementById("message-menu");
const receipt = document.getElementById("receipt");

async function open(button) {
  menu.replaceChildren(); // if nothing comes, nothing is shown
  await window.htmx.ajax("GET", button.dataset.menu, { source: menu, target: menu, swap: "innerHTML settle:0ms" }).catch(() => {});
  if (!button.isConnected || !menu.firstElementChild) return;
  menu.showPopover();
  place(menu, button);
  menu.scrollTop = 0;
  menu.querySelector("button").focus();
}

/** Start. Without this, the button of the menu simply asks the same agent again. */
export function wireMenus() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-menu]");
    if (!button || !window.htmx) return;
    event.preventDefault();
    open(button);
  });
  menu.addEventListener("keydown", (event) => walk(menu, event));
  menu.addEventListener("htmx:beforeRequest", () => menu.hidePopover());
  document.querySelector("[data-scroll]").addEventListener("scroll", () => menu.hidePopover(), { passive: true });
  receipt.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (!detail.elt.matches("[data-delete-message]")) return;
    receipt.hidePopover();
    document.querySelector("[data-scroll]").focus({ preventScroll: true });
  });
  // Not before its buttons do what they say.
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== receipt) return;
    receipt.showPopover();
    receipt.focus(); // the next Tab is at its first button; closing gives the focus back
  });
}

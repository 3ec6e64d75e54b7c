/** The rail: the menu of a conversation, renaming in place, folders and tags, and the notice with the way back. */

import { showRail } from "./drawer.js";
import { place, walk } from "./place.js";

const menu = document.getElementById("row-menu");
const dialog = document.getElementById("organise");
const TOAST = 12000; // milliseconds that the way back is offered

async function openMenu(button) {
  menu.replaceChildren(); // if nothing comes, nothing is shown
  await window.htmx.ajax("GET", button.dataset.rowMenu, { source: menu, target: menu, swap: "innerHTML settle:0ms" }).catch(() => {});
  if (!button.isConnected || !menu.firstElementChild) return;
  menu.showPopover();
  place(menu, button);
  menu.querySelector(".menu-item").focus();
}

/** Give up renaming: the server draws the title as it is. */
function giveUp(form) {
  const isRow = form.closest(".rail-row");
  const target = isRow ?? form.closest(".head-title");
  window.htmx.ajax("GET", form.dataset.rename, { target, swap: "outerHTML" });
}

function byKey(event) {
  const form = event.target.closest?.("[data-rename]");
  if (!form || event.key !== "Escape" || event.isComposing) return;
  event.preventDefault();
  event.stopPropagation();
  giveUp(form);
}

/** A title changed in one place is the same in all. */
function renamed({ detail: { id, title } }) {
  const label = document.querySelector(`#row-${CSS.escape(id)} .label`);
  if (label) label.textContent = title;
  if (!location.pathname.includes(id)) return;
  const head = document.querySelector("#head-title h1");
  if (head) head.textContent = title;
  document.title = `${title} · Wiz`;
}

let timer = 0;

/** The notice goes by itself, but not while somebody points at it or is in it. */
function showToast() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    const toast = document.getElementById("toast");
    if (toast.matches(":hover, :focus-within")) showToast();
    else toast.replaceChildren();
  }, TOAST);
}

function swapped({ detail }) {
  if (detail.target === dialog) {
    if (!dialog.matches(":popover-open")) dialog.showPopover();
    dialog.querySelector("select, input:not([type=hidden])")?.focus();
  }
  const source = detail.requestConfig?.elt;
  if (source?.matches("[data-organise]") && detail.target !== dialog) dialog.hidePopover();
  if (source?.matches("[data-tag]")) {
    document.getElementById("rail-q").value = "";
    showRail();
  }
  if (source?.closest("#toast")) document.getElementById("toast").replaceChildren();
  detail.target.querySelector?.("[data-rename] input")?.select();
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-row-menu]");
  if (button) openMenu(button);
});
document.querySelector(".rail-search").addEventListener("submit", (event) => window.htmx && event.preventDefault()); // it has searched already
document.addEventListener("keydown", byKey, { capture: true }); // before the drawer hears of Escape
menu.addEventListener("keydown", (event) => walk(menu, event));
menu.addEventListener("htmx:beforeRequest", () => menu.hidePopover());
document.getElementById("head-menu")?.addEventListener("htmx:beforeRequest", ({ target }) => target.closest("[popover]").hidePopover());
document.body.addEventListener("htmx:afterSwap", swapped);
document.body.addEventListener("htmx:oobAfterSwap", ({ detail }) => detail.target.id === "toast" && showToast());
document.body.addEventListener("wiz:renamed", renamed);

/** The menu of those who could answer instead, and the receipt: both are fetched when somebody asks for them. */

const GAP = 4; // pixels between a button and its menu
const EDGE = 12; // pixels that stay free at the edges of the window

const menu = document.getElementById("message-menu");
const receipt = document.getElementById("receipt");

/** Put the menu below its button, or above where there is more room; it scrolls where there is too little. */
function place(button) {
  const at = button.getBoundingClientRect();
  const room = { below: innerHeight - at.bottom - GAP - EDGE, above: at.top - GAP - EDGE };
  const isAbove = room.below < menu.offsetHeight && room.above > room.below;
  Object.assign(menu.style, {
    inset: "auto",
    maxHeight: `${isAbove ? room.above : room.below}px`,
    left: `${Math.max(EDGE, Math.min(at.left, innerWidth - EDGE - menu.offsetWidth))}px`,
    [isAbove ? "bottom" : "top"]: `${isAbove ? innerHeight - at.top + GAP : at.bottom + GAP}px`,
  });
}

async function open(button) {
  await window.htmx.ajax("GET", button.dataset.menu, { target: menu, swap: "innerHTML" });
  if (!button.isConnected || !menu.firstElementChild) return;
  menu.style.maxHeight = "";
  menu.showPopover();
  place(button);
  menu.scrollTop = 0;
  menu.querySelector("button").focus();
}

/** Up and down go from item to item, Home and End to the first and the last. */
function walk(event) {
  const items = [...menu.querySelectorAll(".menu-item")];
  const position = items.indexOf(document.activeElement);
  const next = { ArrowDown: position + 1, ArrowUp: position - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length).focus();
}

/** Start. Without this, the button of the menu simply asks the same agent again. */
export function wireMenus() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-menu]");
    if (!button || !window.htmx) return;
    event.preventDefault();
    open(button);
  });
  menu.addEventListener("keydown", walk);
  menu.addEventListener("htmx:beforeRequest", () => menu.hidePopover());
  document.querySelector("[data-scroll]").addEventListener("scroll", () => menu.hidePopover(), { passive: true });
  document.body.addEventListener("htmx:afterSwap", (event) => event.detail.target === receipt && receipt.showPopover());
}

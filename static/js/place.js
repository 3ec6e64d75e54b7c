/** Where a menu floats: below its button, or above where there is more room. */

const GAP = 4; // pixels between a button and its menu
const EDGE = 12; // pixels that stay free at the edges of the window

/** Put an open popover beside its button; it scrolls where there is too little room. */
export function place(menu, button) {
  menu.style.maxHeight = "";
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

/** Up and down go from item to item, Home and End to the first and the last. */
export function walk(menu, event) {
  const items = [...menu.querySelectorAll(".menu-item")];
  const position = items.indexOf(document.activeElement);
  const next = { ArrowDown: position + 1, ArrowUp: position - 1, Home: 0, End: items.length - 1 }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  items.at(next % items.length).focus();
}

/** Where the keyboard is after a part of the page was replaced: never at the top of the page by accident. */

const ABLE = "a[href], button:not([disabled]), summary, [tabindex='0']";
let lost = null; // what held the focus in the part that is about to go

/** The nearest thing beside `element` that can take the focus. */
function beside(element) {
  for (const way of ["nextElementSibling", "previousElementSibling"]) {
    for (let other = element[way]; other; other = other[way]) {
      const able = other.matches(ABLE) ? other : other.querySelector(ABLE);
      if (able?.checkVisibility()) return able;
    }
  }
  return null;
}

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const holder = document.activeElement;
  lost = detail.shouldSwap && holder !== document.body && detail.target.contains(holder) ? { holder, near: beside(detail.target), target: detail.target } : null;
});
document.body.addEventListener("htmx:afterSettle", () => {
  if (!lost || document.activeElement !== document.body) return;
  const { holder, near, target } = lost;
  lost = null;
  if (holder.isConnected && holder.checkVisibility()) holder.focus();
  else if (target.isConnected && target.querySelector(ABLE)) target.querySelector(ABLE).focus({ preventScroll: true });
  else (near?.isConnected ? near : document.getElementById("content")).focus({ preventScroll: true });
});

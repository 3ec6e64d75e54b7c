/** The rail: open or closed beside the page, or on phones a drawer above it that keeps the focus. */

const root = document.documentElement;
const rail = document.getElementById("rail");
const main = document.querySelector(".main");
const narrow = matchMedia("(max-width: 820px)");
const YEAR = 31536000; // seconds
const SWIPE = 48; // pixels to the left that close the drawer

const isDrawerOpen = () => root.dataset.drawer === "open";
const opener = () => document.querySelector("[data-open-rail]");

function openDrawer() {
  root.dataset.drawer = "open";
  main.inert = true;
  rail.querySelector("a, button").focus();
}

/** Close it, if it is open, and go back to where it was opened. */
export function closeDrawer() {
  if (!isDrawerOpen()) return;
  delete root.dataset.drawer;
  main.inert = false;
  opener().focus();
}

/** The server draws the rail open or closed from the start, so nothing jumps. */
function keepRail(state) {
  const hadFocus = rail.contains(document.activeElement) || document.activeElement === opener();
  document.cookie = `wiz_rail=${state}; path=/; max-age=${YEAR}; samesite=lax`;
  if (state === "closed") root.dataset.rail = "closed";
  else delete root.dataset.rail;
  if (hadFocus) (state === "closed" ? opener() : rail.querySelector("[data-close-rail]")).focus();
}

/** Show what is hidden, hide what is shown. */
export function toggleRail() {
  if (narrow.matches) return isDrawerOpen() ? closeDrawer() : openDrawer();
  return keepRail(root.dataset.rail === "closed" ? "open" : "closed");
}

/** Show it, if it is hidden. */
export function showRail() {
  if (narrow.matches ? !isDrawerOpen() : root.dataset.rail === "closed") toggleRail();
}

/** A finger that goes to the left takes the drawer along. */
function wireSwipe() {
  let start = null;
  rail.addEventListener("touchstart", ({ touches }) => {
    start = touches.length === 1 ? { x: touches[0].clientX, y: touches[0].clientY } : null;
  }, { passive: true });
  rail.addEventListener("touchend", ({ changedTouches: [touch] }) => {
    if (!start || !isDrawerOpen()) return;
    const [across, down] = [start.x - touch.clientX, Math.abs(start.y - touch.clientY)];
    if (across > SWIPE && across > 2 * down) closeDrawer();
  }, { passive: true });
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-rail]")) {
    event.preventDefault();
    toggleRail();
  } else if (event.target.closest("[data-close-drawer]")) closeDrawer();
  else if (event.target.closest("[data-close-rail]")) toggleRail();
});
document.addEventListener("keydown", (event) => {
  const isElsewhere = event.defaultPrevented || document.querySelector("dialog[open], :popover-open");
  if (event.key === "Escape" && !isElsewhere) closeDrawer();
});
narrow.addEventListener("change", () => {
  delete root.dataset.drawer;
  main.inert = false;
});
wireSwipe();

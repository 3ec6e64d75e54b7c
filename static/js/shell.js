/** The rail and the drawer, secrets that are shown once, and requests of people who are logged out. */

const root = document.documentElement;
const rail = document.getElementById("rail");
const narrow = matchMedia("(max-width: 820px)");
const YEAR = 31536000; // seconds

function openRail(event) {
  event.preventDefault();
  if (!narrow.matches) {
    keepRail("open");
    return;
  }
  root.dataset.drawer = "open";
  rail.querySelector("a, button").focus();
}

function closeDrawer() {
  if (root.dataset.drawer !== "open") return;
  delete root.dataset.drawer;
  document.querySelector("[data-open-rail]").focus();
}

/** The server draws the rail open or closed from the start, so nothing jumps. */
function keepRail(state) {
  document.cookie = `wiz_rail=${state}; path=/; max-age=${YEAR}; samesite=lax`;
  if (state === "closed") root.dataset.rail = "closed";
  else delete root.dataset.rail;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-rail]")) openRail(event);
  else if (event.target.closest("[data-close-drawer]")) closeDrawer();
  else if (event.target.closest("[data-close-rail]")) {
    if (narrow.matches) closeDrawer();
    else keepRail("closed");
  }
  const button = event.target.closest("[data-copy-text]");
  if (button) {
    navigator.clipboard.writeText(document.getElementById(button.dataset.copyText).textContent.trim());
    button.textContent = button.dataset.copied;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeDrawer();
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (!new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/accounts/login/")) return;
  event.detail.shouldSwap = false;
  location.reload();
});

/** Theme and contrast: changed on the page at once, and kept for the next one. */

const root = document.documentElement;
const SCHEMES = { system: "light dark", light: "light", dark: "dark" };

const sheet = () => document.getElementById("contrast");
const isContrasty = () => sheet().media === "all";

/** The colour of the browser's own bars follows a theme that was chosen. */
function paintBars(theme) {
  const bars = [...document.querySelectorAll('meta[name="theme-color"]')];
  const chosen = { light: bars[0], dark: bars[1] }[theme];
  for (const bar of bars) bar.content = (chosen ?? bar).dataset.own;
}

function keep() {
  const form = new FormData();
  form.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
  form.set("theme", root.dataset.theme);
  if (isContrasty()) form.set("high_contrast", "on");
  fetch(document.getElementById("shell").dataset.look, { method: "POST", body: form, keepalive: true }).catch(() => {});
}

/** `name` is system, light or dark. */
export function setTheme(name) {
  root.dataset.theme = name;
  document.querySelector('meta[name="color-scheme"]').content = SCHEMES[name];
  paintBars(name);
  keep();
}

/** High contrast on or off; what the system asks for counts all the same. */
export function toggleContrast() {
  sheet().media = isContrasty() ? "(prefers-contrast: more)" : "all";
  keep();
}

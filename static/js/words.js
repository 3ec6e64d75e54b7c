/** The translated words of the page, and the pieces that are cast from its templates. */

const words = document.getElementById("words");

/** A phrase by its name; `{}` becomes the value. */
export function say(name, value = "") {
  return (words?.dataset[name] ?? "").replace("{}", value);
}

/** A fresh copy of a template's first element. */
export function cast(name) {
  return document.getElementById(`mold-${name}`).content.firstElementChild.cloneNode(true);
}

/** Tell readers of the screen what just happened. */
export function announce(text) {
  const line = document.getElementById("announcer");
  if (line) line.textContent = text;
}

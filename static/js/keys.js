/** Shortcuts. Those of a single character rest in fields, and everywhere for who has switched them off. */

import { act, can } from "./actions.js";

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);
const CHORDS = {
  "mod+k": "palette",
  "mod+/": "sheet",
  "mod+b": "rail",
  "mod+shift+o": "new",
  "mod+shift+c": "copy",
  "mod+shift+;": "code",
  "mod+shift+:": "code",
  "shift+escape": "composer",
};
const SINGLE = { "/": "composer", "?": "sheet" };
const TYPING = "input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]";

/** Such as "mod+shift+o"; the modifier is Command on a Mac, Control elsewhere. Shift is part of "/" on some keyboards. */
function chord(event) {
  const [mod, other] = MAC ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  if (other || event.altKey) return "";
  const key = event.key.toLowerCase();
  const hasShift = event.shiftKey && key !== "/";
  return `${mod ? "mod+" : ""}${hasShift ? "shift+" : ""}${key}`;
}

const isTyping = ({ target }) => Boolean(target.closest?.(TYPING));
const isOver = () => document.querySelector("dialog[open], :popover-open, [data-drawer=open] .rail");

function wanted(event) {
  const chosen = CHORDS[chord(event)];
  if (chosen) return chosen;
  if (event.ctrlKey || event.metaKey || event.altKey || isOver()) return "";
  if (event.key === "Escape") return event.target.closest?.("[data-edit], [data-rename], [type=search]") ? "" : "stop";
  const mayBeSingle = document.getElementById("shell").hasAttribute("data-single-keys") && !isTyping(event);
  return mayBeSingle ? SINGLE[event.key] ?? "" : "";
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing || event.repeat) return;
  const name = wanted(event);
  const isBlocked = document.querySelector("dialog[open]") && !["palette", "sheet"].includes(name);
  if (!name || isBlocked || !can(name)) return;
  event.preventDefault();
  act(name);
}

document.addEventListener("keydown", pressed);

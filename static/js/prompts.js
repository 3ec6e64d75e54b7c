/** Prompts by their names: a slash at the start opens the list, variables are asked for, the text is inserted. */

import { place } from "./place.js";
import { cast } from "./words.js";

const PAUSE = 80; // milliseconds without a key until the list is asked for
const VARIABLE = /\{\{\s*([\p{L}\p{N}_-]{1,40})\s*(?::([^{}\n]{0,200}))?\}\}/gu;

const menu = document.getElementById("slash");
const dialog = document.getElementById("fill");
const field = () => document.getElementById("composer-text");
const options = () => [...menu.querySelectorAll("[role=option]")];
const isOpen = () => menu.matches(":popover-open");

let timer = 0;
let asked = null; // what the last list was asked for
let dismissed = null; // the text at which somebody said that no prompt is wanted

function wanted() {
  const match = /^\/([\w-]{0,40})$/u.exec(field().value);
  return match && field().value !== dismissed ? match[1] : null;
}

function point(option) {
  for (const one of options()) one.setAttribute("aria-selected", String(one === option));
  if (option) field().setAttribute("aria-activedescendant", option.id);
  else field().removeAttribute("aria-activedescendant");
  option?.scrollIntoView({ block: "nearest" });
}

function close() {
  clearTimeout(timer);
  asked = null;
  if (isOpen()) menu.hidePopover();
  for (const name of ["aria-activedescendant", "aria-controls", "aria-expanded", "aria-autocomplete", "role"]) field().removeAttribute(name);
}

function open() {
  const described = { role: "combobox", "aria-expanded": "true", "aria-controls": menu.id, "aria-autocomplete": "list" };
  for (const [name, value] of Object.entries(described)) field().setAttribute(name, value);
  if (!isOpen()) menu.showPopover();
  place(menu, field().closest(".composer-field"));
  point(options()[0]);
}

async function look() {
  const words = wanted();
  if (words === null) {
    close();
    return;
  }
  asked = words;
  const response = await fetch(`${menu.dataset.url}?q=${encodeURIComponent(words)}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (!response?.ok || response.redirected || asked !== words) return;
  const template = document.createElement("template");
  template.innerHTML = await response.text();
  if (wanted() !== words) return;
  menu.replaceChildren(template.content);
  if (menu.firstElementChild) open();
  else close();
}

/** The text takes the place of what was typed, as if it had been typed: drafts and the growing field follow. */
function insert(text) {
  field().value = text;
  field().focus();
  field().setSelectionRange(text.length, text.length);
  field().dispatchEvent(new Event("input", { bubbles: true }));
}

function filled(text, values) {
  const today = new Date().toLocaleDateString(document.documentElement.lang || undefined, { dateStyle: "long" });
  return text.replace(VARIABLE, (_, name) => (name.toLowerCase() === "date" ? today : values.get(name) ?? ""));
}

/** Ask for the variables, one field each; Enter goes on to the next, and after the last inserts the text. */
function ask({ name, text, variables }) {
  document.getElementById("fill-title").textContent = `/${name}`;
  const rows = variables.map((variable, index) => {
    const row = cast("variable");
    const [label, input] = [row.querySelector("label"), row.querySelector("input")];
    label.textContent = variable.name.replaceAll("_", " ");
    label.htmlFor = input.id = `fill-${index}`;
    input.name = variable.name;
    input.value = variable.default;
    return row;
  });
  document.getElementById("fill-fields").replaceChildren(...rows);
  dialog.returnValue = "";
  dialog.showModal();
  const inputs = [...dialog.querySelectorAll("input")];
  inputs[0].select();
  dialog.querySelector("form").onsubmit = () => insert(filled(text, new Map(inputs.map((input) => [input.name, input.value]))));
}

async function choose(option) {
  close();
  const response = await fetch(option.dataset.prompt, { headers: { Accept: "application/json" } }).catch(() => null);
  if (!response?.ok) return;
  const prompt = await response.json();
  if (prompt.variables.length) ask(prompt);
  else insert(filled(prompt.text, new Map()));
}

function byKey(event) {
  if (event.target !== field() || !isOpen() || event.isComposing) return;
  const found = options();
  const at = found.findIndex((option) => option.getAttribute("aria-selected") === "true");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && found.length) point(found.at((at + step) % found.length));
  else if (["Enter", "Tab"].includes(event.key) && !event.shiftKey && found[at]) choose(found[at]);
  else if (event.key === "Escape") {
    dismissed = field().value;
    close();
  } else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}

/** Enter in a variable goes on to the next one. */
function onward(event) {
  if (event.key !== "Enter" || event.isComposing || event.target.tagName !== "INPUT") return;
  const inputs = [...dialog.querySelectorAll("input")];
  const next = inputs[inputs.indexOf(event.target) + 1];
  if (!next) return;
  event.preventDefault();
  next.select();
}

/** Start, before the composer: while the list is open, Enter chooses. */
export function wirePrompts() {
  if (!menu) return;
  document.addEventListener("keydown", byKey, { capture: true });
  document.addEventListener("input", (event) => {
    if (event.target !== field()) return;
    if (field().value !== dismissed) dismissed = null;
    clearTimeout(timer);
    if (wanted() === null) close();
    else timer = setTimeout(look, PAUSE);
  });
  document.addEventListener("focusout", (event) => event.target === field() && setTimeout(() => document.activeElement !== field() && !menu.contains(document.activeElement) && close()));
  menu.addEventListener("pointerdown", (event) => event.target.closest("[role=option]") && event.preventDefault());
  menu.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  dialog.addEventListener("keydown", onward);
  dialog.addEventListener("click", (event) => event.target.closest("[data-cancel-fill]") && dialog.close());
  dialog.addEventListener("close", () => field().focus());
}

/** Copying: code blocks and whole messages. */

import { cast, say } from "./words.js";

const THANKS = 1600; // milliseconds

/** Give every code block in `root` a header and a copy button. */
export function dressCode(root) {
  for (const figure of root.querySelectorAll("figure.code")) {
    if (figure.querySelector("[data-copy-code]")) continue;
    let caption = figure.querySelector("figcaption");
    if (!caption) {
      caption = document.createElement("figcaption");
      figure.prepend(caption);
    }
    if (!caption.textContent.trim()) caption.textContent = figure.dataset.language || say("code");
    caption.append(cast("copy"));
    figure.querySelector("pre")?.setAttribute("tabindex", "0");
  }
}

/** Copy `text`, which may be on its way: Safari wants to be asked at once. */
async function write(text) {
  if (!navigator.clipboard?.write) return select(await text);
  const coming = Promise.resolve(text).then((words) => new Blob([words], { type: "text/plain" }));
  return navigator.clipboard.write([new ClipboardItem({ "text/plain": coming })]);
}

/** Only pages of https and localhost have a clipboard; elsewhere a selection is copied. */
function select(text) {
  const [field, focused] = [document.createElement("textarea"), document.activeElement];
  field.className = "visually-hidden";
  field.value = text;
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  focused.focus({ preventScroll: true });
  if (!isCopied) throw new DOMException("The browser does not copy.", "NotAllowedError");
}

/** Whether `text` was copied; if the browser refuses, `part`, where it stands, is selected for the keys that copy. */
export function toClipboard(text, part) {
  return write(text).then(() => true, () => getSelection().selectAllChildren(part));
}

async function copy(text, part, button) {
  if (!await toClipboard(text, part)) return;
  const before = button.getAttribute("aria-label");
  if (before === null) button.textContent = say("copied");
  else button.setAttribute("aria-label", say("copied"));
  button.classList.add("done");
  setTimeout(() => {
    button.classList.remove("done");
    if (before === null) button.textContent = say("copy");
    else button.setAttribute("aria-label", before);
  }, THANKS);
}

/** What an answer was written as; if that cannot be had, what a reader would copy. */
async function sourceOf(url, body) {
  const response = await fetch(url).catch(() => null);
  return response?.ok && !response.redirected ? response.text() : wordsOf(body);
}

/** The words without the headers of code blocks. */
function wordsOf(body) {
  const part = body.cloneNode(true);
  part.querySelectorAll("figcaption").forEach((caption) => caption.remove());
  const blocks = part.querySelectorAll(".block");
  return [...(blocks.length ? blocks : [part])].map((child) => child.textContent.trim()).join("\n\n");
}

/** Listen for copy buttons anywhere on the page. */
export function wireCopy() {
  document.addEventListener("click", (event) => {
    const code = event.target.closest("[data-copy-code]");
    const pre = code?.closest("figure").querySelector("pre");
    if (code) copy(pre.textContent, pre, code);
    const message = event.target.closest("[data-copy-message]");
    const part = message?.closest(".message").querySelector(".words, [data-body]");
    if (message) copy(message.dataset.copyMessage ? sourceOf(message.dataset.copyMessage, part) : wordsOf(part), part, message);
  });
}

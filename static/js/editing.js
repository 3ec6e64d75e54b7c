/** Changing one's own message in place: keys, giving up, and where the focus goes. */

import { cast, say } from "./words.js";

const byTouch = matchMedia("(pointer: coarse)");

/** Give up: the words are still below the form. */
function cancel(form) {
  const message = form.closest(".message");
  form.remove();
  message.querySelector("[data-edit-link]").focus();
}

function byKey(event) {
  const form = event.target.closest?.("[data-edit]");
  if (!form) return;
  if (event.key === "Escape" && !event.isComposing) {
    event.preventDefault();
    cancel(form);
  } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit();
  }
}

/** The cursor behind the last word, the whole form in sight. */
function enter(form) {
  const field = form.querySelector("textarea");
  field.focus({ preventScroll: true });
  field.setSelectionRange(field.value.length, field.value.length);
  form.scrollIntoView({ block: "nearest" });
}

/** Why nothing was sent; what was written and chosen is still in the form. */
function failed({ detail }) {
  const form = detail.requestConfig?.elt;
  if (!form?.matches("[data-edit]")) return;
  const line = cast("problem");
  line.lastElementChild.textContent = detail.xhr?.status === 413 ? form.dataset.large : say("unsent");
  form.querySelector(".edit-error").replaceChildren(line);
}

/** Take forms that are being filled in from the messages of `old` over to the same messages of `fresh`. */
export function keepEditing(old, fresh) {
  for (const form of old.querySelectorAll("[data-edit]")) {
    const id = form.closest(".message").dataset.message;
    const message = fresh.querySelector(`[data-message="${CSS.escape(id)}"]`);
    message?.querySelector("[data-edit]")?.remove();
    message?.append(form);
  }
}

/** Start. `transcript` is where the messages are. */
export function wireEditing(transcript) {
  document.addEventListener("keydown", byKey);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-cancel-edit]");
    if (!link) return;
    event.preventDefault();
    cancel(link.closest("[data-edit]"));
  });
  document.body.addEventListener("htmx:afterSwap", ({ detail }) => {
    const source = detail.requestConfig?.elt;
    if (source?.matches("[data-edit-link]")) {
      transcript.querySelectorAll("[data-edit]").forEach((form) => detail.target.contains(form) || form.remove());
      enter(detail.target.querySelector("[data-edit]"));
    } else if (source?.matches("[data-edit]") && detail.target === transcript) {
      document.dispatchEvent(new CustomEvent("wiz:sent"));
      if (!byTouch.matches) document.getElementById("composer-text").focus();
    } else if (source?.matches("[data-edit]")) {
      enter(document.getElementById(source.id));
    }
  });
  document.body.addEventListener("htmx:responseError", failed);
  document.body.addEventListener("htmx:sendError", failed);
  const form = transcript.querySelector("[data-edit]");
  if (form) enter(form);
}

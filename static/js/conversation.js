/** The page of a conversation, and of one that is about to begin. */

import { wireAttachments } from "./attachments.js";
import { wireBeyond } from "./beyond.js";
import { setRunning, wireComposer } from "./composer.js";
import { dressCode, wireCopy } from "./copy.js";
import { wireEditing } from "./editing.js";
import { wireKeeping } from "./keeping.js";
import { wireLightbox } from "./lightbox.js";
import { Live } from "./live.js";
import { wireMenus } from "./menus.js";
import { wireParameters } from "./parameters.js";
import { wirePicker } from "./picker.js";
import { wirePrompts } from "./prompts.js";
import { wireScroll } from "./scroll.js";
import { say } from "./words.js";

const transcript = document.getElementById("transcript");

/** Stop over the socket when there is one, else with a request. */
function wireStop(live) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-stop-button]");
    if (!button) return;
    event.preventDefault();
    live.current?.notice(say("stopping"));
    if (live.follower.stop()) return;
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    fetch(transcript.dataset.stop, { method: "POST", headers: { "X-CSRFToken": token, "HX-Request": "true" } });
  });
}

/** Follow what another version, another answer or an edit has brought into the page. */
function wireSwaps(live) {
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target !== transcript || event.detail.requestConfig?.elt?.id === "composer") return;
    dressCode(transcript);
    if (live.adopt()) live.follower.follow(null);
  });
}

if (transcript) {
  wireCopy();
  dressCode(transcript);
  const scroll = document.querySelector("[data-scroll]");
  wireScroll(scroll, transcript);
  const live = transcript.dataset.socket ? new Live(transcript, setRunning) : null;
  wirePrompts(); // before the composer, which sends with Enter
  wireAttachments();
  wireComposer(live);
  wirePicker();
  wireParameters();
  wireLightbox();
  wireKeeping(transcript);
  if (live) {
    wireStop(live);
    wireSwaps(live);
    wireEditing(transcript);
    wireMenus();
    wireBeyond(scroll, transcript, (url) => live.fetch(url), () => { dressCode(transcript); live.adopt(); });
  }
}

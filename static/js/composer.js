/** The composer: keys, the message that is in place at once, and what happens when sending fails. */

import { cast, say } from "./words.js";

const transcript = document.getElementById("transcript");
const byTouch = matchMedia("(pointer: coarse)");

const form = () => document.getElementById("composer");
const inDigits = (count) => count.toLocaleString(document.documentElement.lang || undefined);
const field = () => document.getElementById("composer-text");

/** Show the stop button instead of the send button, or the other way round. */
export function setRunning(flag) {
  const composer = form();
  if (composer) composer.dataset.running = String(flag);
}

/** A reason beside the composer; an empty one takes it away. */
export function complain(text) {
  const place = document.getElementById("composer-error");
  place.replaceChildren();
  field().toggleAttribute("aria-invalid", Boolean(text));
  if (!text) return;
  field().setAttribute("aria-invalid", "true");
  const line = cast("problem");
  line.lastElementChild.textContent = text;
  place.append(line);
}

/** Put the words and the mark of an answer in place before the server has said anything. */
function showPending(text) {
  const mine = cast("user");
  mine.querySelector(".words").textContent = text;
  transcript.append(mine, cast("agent"));
  transcript.hidden = false;
  document.getElementById("welcome")?.setAttribute("hidden", "");
  field().value = "";
  complain("");
  setRunning(true);
  document.dispatchEvent(new CustomEvent("wiz:sent"));
}

function dropPending() {
  transcript.querySelectorAll(".pending").forEach((message) => message.remove());
}

function wanted(event) {
  return event.submitter?.name === "starter" ? event.submitter.value : field().value;
}

/** Why the text cannot be sent; the server judges the same, but after the text has travelled. */
function problem(text) {
  const limit = Number(form().dataset.limit);
  if (!text.trim() && !form().querySelector("[name=attachments]")) return say("empty");
  const length = text.length > limit ? [...text].length : 0;
  return length > limit ? say("long", inDigits(length)).replace("{limit}", inDigits(limit)) : "";
}

/** Refuse an empty message and a second one; show the first of a new conversation at once. */
function beforeSubmit(event) {
  if (event.target !== form() || event.submitter?.matches("[data-stop-button]")) return;
  const text = wanted(event);
  const isBusy = form().dataset.running === "true";
  const reason = problem(text);
  if (isBusy || reason) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!isBusy) complain(reason);
    return;
  }
  if (!form().hasAttribute("hx-post")) setTimeout(() => showPending(text));
}

function byKey(event) {
  if (event.target !== field() || event.key !== "Enter" || event.isComposing) return;
  if (event.shiftKey || event.altKey || byTouch.matches) return;
  event.preventDefault();
  form().requestSubmit(form().querySelector(".send"));
}

/** Wire the composer of a conversation to what is live. */
function wireSending(live) {
  let text = "";
  let isSent = false;
  const isMine = (event) => event.detail.elt === form() || event.detail.requestConfig?.elt?.id === "composer";
  const failed = (event) => {
    if (!isMine(event) || !isSent) return;
    isSent = false;
    dropPending();
    setRunning(Boolean(live.current));
    if (!field().value) field().value = text;
    document.dispatchEvent(new CustomEvent("wiz:unsent"));
    complain(say("unsent"));
    live.release();
  };
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!isMine(event)) return;
    text = event.detail.requestConfig.formData.get("content") ?? "";
    isSent = true;
    live.hold();
    showPending(text);
  });
  document.body.addEventListener("htmx:beforeSwap", (event) => {
    if (!isMine(event) || !event.detail.shouldSwap) return;
    dropPending();
  });
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (!isSent || !isMine(event)) return;
    isSent = false;
    live.release();
  });
  document.body.addEventListener("htmx:sendError", failed);
  document.body.addEventListener("htmx:timeout", failed);
  document.body.addEventListener("htmx:responseError", failed);
}

/** Start. `live` is null on the page of a new conversation. */
export function wireComposer(live) {
  document.addEventListener("submit", beforeSubmit, { capture: true });
  document.addEventListener("keydown", byKey);
  document.addEventListener("input", (event) => event.target === field() && complain(""));
  if (live) wireSending(live);
  addEventListener("pageshow", (event) => event.persisted && location.reload());
}

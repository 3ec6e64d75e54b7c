/** Pictures in the composer: chosen, pasted or dropped; uploaded at once, sent with the next message. */

import { complain } from "./composer.js";
import { announce, cast } from "./words.js";

const form = () => document.getElementById("composer");
const list = () => document.getElementById("attached");
const phrase = (name, value = "") => list().dataset[name].replace("{}", value);
const token = () => document.querySelector("[name=csrfmiddlewaretoken]").value;
const THUMB = { width: 320, height: 240 };
const KINDS = ["image/png", "image/jpeg", "image/webp", "image/gif"];

const uploads = new Map(); // list items to the requests that are under way
let waiting = null; // the button of a send that waits for them
let sent = []; // the items of the message that is on its way

function tell(text) {
  complain(text);
  announce(text);
}

/** Take files: each is shown at once and uploaded; what cannot be taken is said in words. */
function add(files) {
  for (const file of files) {
    if (!KINDS.includes(file.type)) tell(phrase("kind", file.name));
    else if (file.size > Number(list().dataset.limit)) tell(phrase("large", file.name));
    else if (list().children.length >= Number(list().dataset.most)) tell(phrase("many"));
    else upload(file, show(file));
  }
}

function show(file) {
  const item = cast("attachment");
  const [image, remove] = [item.querySelector("img"), item.querySelector("button")];
  image.src = URL.createObjectURL(file);
  image.alt = image.title = file.name || phrase("unnamed", list().children.length + 1);
  remove.setAttribute("aria-label", remove.getAttribute("aria-label").replace("{}", image.alt));
  list().append(item);
  return item;
}

/** `fetch` tells nothing of how much has been sent. */
function upload(file, item) {
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.set("file", file, file.name || "picture");
  if (list().dataset.conversation) body.set("conversation", list().dataset.conversation);
  request.open("POST", list().dataset.upload);
  request.setRequestHeader("X-CSRFToken", token());
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    item.querySelector("progress").value = loaded / total;
  });
  request.addEventListener("loadend", () => ended(request, file, item));
  uploads.set(item, request);
  request.send(body);
}

function ended({ status, response }, file, item) {
  if (!uploads.delete(item)) return; // taken away meanwhile
  if (status === 201) {
    item.querySelector("progress").remove();
    keep(item, response.id);
  } else {
    drop(item);
    waiting = null;
    const reason = response?.error?.message;
    tell(reason ? `${file.name}: ${reason}` : phrase("failed", file.name));
  }
  if (waiting && !uploads.size) form().requestSubmit(waiting);
  mark();
}

function keep(item, id) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: "attachments", value: id });
  item.dataset.attachment = id;
  item.append(field);
}

function drop(item) {
  const { src } = item.querySelector("img");
  item.remove();
  if (src.startsWith("blob:")) URL.revokeObjectURL(src);
}

function erase({ dataset }) {
  if (!dataset.attachment) return;
  const options = { method: "DELETE", headers: { "X-CSRFToken": token() }, keepalive: true };
  fetch(`${list().dataset.upload}${dataset.attachment}/`, options).catch(() => {});
}

/** A conversation keeps what waits in its composer; one that has not begun keeps nothing. */
function left() {
  const here = list();
  if (here && !here.dataset.conversation) [...here.children].forEach(erase);
}

/** Take a picture out again, and off the server. */
function remove(item) {
  const request = uploads.get(item);
  const next = item.nextElementSibling ?? item.previousElementSibling;
  uploads.delete(item);
  request?.abort();
  erase(item);
  drop(item);
  complain("");
  (next?.querySelector("button") ?? document.getElementById("composer-text")).focus();
  if (waiting && !uploads.size) form().requestSubmit(waiting);
  mark();
}

/** Whether a send waits, for eyes and for readers of the screen. */
function mark() {
  if (!uploads.size) waiting = null;
  form().toggleAttribute("data-waiting", Boolean(waiting));
}

function beforeSubmit(event) {
  if (event.target !== form() || !uploads.size || event.submitter?.matches("[data-stop-button]")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  waiting = event.submitter ?? form().querySelector(".send");
  announce(phrase("waiting"));
  mark();
}

/** The pictures go with the words into the message that is shown at once. */
function movedAlong() {
  const mine = document.querySelector(".message.user.pending");
  if (!mine) return; // what was sent is a change of another message
  sent = [...list().children];
  list().replaceChildren();
  if (!sent.length) return;
  const shown = document.createElement("ul");
  shown.className = "pictures";
  shown.dataset.count = sent.length;
  for (const item of sent) shown.append(pending(item.querySelector("img")));
  mine.prepend(shown);
}

/** In the size in which the server is going to show it. */
function pending({ src, alt, naturalWidth, naturalHeight }) {
  const scale = Math.min(1, THUMB.width / naturalWidth, THUMB.height / naturalHeight);
  const place = document.createElement("li");
  const image = new Image(Math.round(naturalWidth * scale), Math.round(naturalHeight * scale));
  Object.assign(image, { src, alt });
  place.append(image);
  return place;
}

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");

function wireDropping(place) {
  let depth = 0;
  const lit = (flag) => document.documentElement.toggleAttribute("data-dropping", flag);
  document.addEventListener("dragenter", (event) => carriesFiles(event) && place.contains(event.target) && lit(++depth > 0));
  document.addEventListener("dragleave", (event) => carriesFiles(event) && place.contains(event.target) && lit(--depth > 0));
  document.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault(); // else the browser would leave the page for the file
    lit((depth = 0) > 0);
    if (place.contains(event.target)) add(event.dataTransfer.files);
  });
}

/** Start. Call it before the composer is wired: a send waits for the uploads first. */
export function wireAttachments() {
  document.addEventListener("submit", beforeSubmit, { capture: true });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("#composer [data-attach]")) return;
    add(target.files);
    target.value = "";
    document.getElementById("composer-text").focus();
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("#attached [data-remove-attachment]");
    if (button) remove(button.closest("li"));
  });
  document.addEventListener("paste", (event) => {
    const { files, types } = event.clipboardData;
    if (!files.length || types.includes("text/plain") || event.target.closest?.("[data-edit], dialog, #rail")) return;
    event.preventDefault();
    add(files);
  });
  addEventListener("pagehide", left);
  document.addEventListener("wiz:sent", movedAlong);
  document.addEventListener("wiz:unsent", () => list().prepend(...sent));
  wireDropping(document.querySelector(".main"));
}

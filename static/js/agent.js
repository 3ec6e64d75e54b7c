/** The agent form: rows of starter prompts, and a word before what was written is lost. */

import { wireTrial } from "./trial.js";

const form = document.getElementById("agent-form");
const note = form.querySelector("[data-unsaved]");
let isLeaving = false;

/** What would be sent, as text; the token and values that are carried along are nothing that was written. */
function written() {
  const fields = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken" && !name.startsWith("kept-"));
  return JSON.stringify(fields.filter(([name, value]) => value !== "" || name !== "starters"));
}

const saved = form.hasAttribute("data-changed") ? "" : written();
const isChanged = () => written() !== saved;

function tell() {
  note.textContent = isChanged() ? note.dataset.unsaved : "";
}

form.addEventListener("input", tell);
form.addEventListener("submit", () => { isLeaving = true; });
form.querySelector("[data-leave]").addEventListener("click", () => { isLeaving = true; });
addEventListener("pageshow", () => { isLeaving = false; });
addEventListener("beforeunload", (event) => {
  if (!isLeaving && isChanged()) event.preventDefault();
});
tell();

/** Rows: add one, take one out, move one up. */
function wireRows(place) {
  const list = place.querySelector("ol");
  const add = place.querySelector("[data-row-add]");
  const rows = () => [...list.children];

  function settle() {
    rows().forEach((row, index) => {
      const field = row.querySelector("textarea");
      field.setAttribute("aria-label", `${field.dataset.label} ${index + 1}`);
      row.querySelector(".row-tools").hidden = false;
      row.querySelector("[data-row-up]").disabled = index === 0;
    });
    add.hidden = rows().length >= Number(place.dataset.rows);
    tell();
  }

  add.addEventListener("click", () => {
    const row = rows().at(-1).cloneNode(true);
    row.querySelector("textarea").value = "";
    list.append(row);
    settle();
    row.querySelector("textarea").focus();
  });
  list.addEventListener("click", (event) => {
    const row = event.target.closest("li");
    if (event.target.closest("[data-row-up]")) {
      row.previousElementSibling?.before(row);
      settle();
      (row.querySelector("[data-row-up]:enabled") ?? row.querySelector("textarea")).focus();
    } else if (event.target.closest("[data-row-remove]")) {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      if (next) row.remove();
      else row.querySelector("textarea").value = "";
      settle();
      (next ?? row).querySelector("textarea").focus();
    }
  });
  settle();
}

form.querySelectorAll("[data-rows]").forEach(wireRows);

/** The mark beside "Icon and colour" as it will be. */
function wireLook(look) {
  const mark = look.querySelector(".agent-mark");
  look.addEventListener("change", () => {
    const icon = look.querySelector("[name=icon]:checked");
    const colour = look.querySelector("[name=colour]:checked");
    mark.className = colour?.value ? `agent-mark tint-${colour.value}` : "agent-mark";
    if (icon) mark.replaceChildren(icon.parentElement.lastElementChild.cloneNode(true));
  });
}

form.querySelectorAll(".look").forEach(wireLook);
wireTrial(document.getElementById("trial"), form);

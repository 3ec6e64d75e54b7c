/** The parameters of a conversation: giving a field back to the agent, and closing once they are saved. */

const dialog = document.getElementById("parameters");

const fieldOf = (row) => row.querySelector("input, textarea, select");

/** Only what says something can be reset; before a conversation begins, the button shows that something does. */
function mark() {
  const rows = [...dialog.querySelectorAll("[data-parameter]")];
  for (const row of rows) row.querySelector("[data-reset]").hidden = !fieldOf(row).value;
  const button = document.getElementById("parameters-button");
  if (!button || dialog.querySelector("form")) return;
  const isSet = rows.some((row) => fieldOf(row).value);
  button.toggleAttribute("data-set", isSet);
  button.setAttribute("aria-label", isSet ? button.dataset.changed : button.dataset.plain);
}

/** Whether a field says something that the server does not know yet. */
function isTyped(field) {
  if (field.matches("select")) return !field.selectedOptions[0]?.defaultSelected;
  return field.value !== field.defaultValue;
}

/** Whoever answers from now on: what was typed for another stays, where the new model takes it. */
function keepTyped({ detail }) {
  if (detail.target.id !== "parameters-panel") return;
  for (const row of dialog.querySelectorAll("[data-parameter]")) {
    const { name, value } = fieldOf(row);
    const heir = isTyped(fieldOf(row)) && detail.fragment.querySelector(`[name="${name}"]`);
    if (heir) heir.value = value;
  }
}

/** Start. Without this, an emptied field is the agent's again all the same. */
export function wireParameters() {
  if (!dialog) return;
  dialog.addEventListener("click", (event) => {
    const row = event.target.closest("[data-reset]")?.closest("[data-parameter]");
    if (!row) return;
    fieldOf(row).value = "";
    fieldOf(row).focus();
    mark();
  });
  dialog.addEventListener("input", mark);
  dialog.addEventListener("keydown", (event) => {
    const isField = event.target.matches("input, select");
    if (event.key !== "Enter" || event.isComposing || !isField || dialog.querySelector("form")) return;
    event.preventDefault(); // the field is a part of the composer, but Enter here sends nothing
    dialog.hidePopover();
  });
  document.body.addEventListener("htmx:oobBeforeSwap", keepTyped);
  document.body.addEventListener("htmx:afterSettle", mark);
  document.body.addEventListener("wiz:parameters", () => {
    dialog.hidePopover();
    document.getElementById("composer-text").focus();
  });
}

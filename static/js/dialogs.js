/** Dialogs that take the page over: one at a time, closed by their button, by Escape, and by a press beside them. */

const MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** Keys are called as they are on this machine. */
export function nameKeys(part) {
  if (MAC) for (const key of part.querySelectorAll("[data-mod]")) key.textContent = "⌘";
}

/** Open one, or close it if it is open. Whatever else floats goes away. */
export function openDialog(id) {
  const dialog = document.getElementById(id);
  const wasOpen = dialog.open;
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  document.querySelectorAll(":popover-open").forEach((popover) => popover.hidePopover());
  if (wasOpen) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("wiz:open"));
}

document.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog");
  if (dialog && (event.target === dialog || event.target.closest("[data-close-dialog]"))) dialog.close();
});
nameKeys(document);

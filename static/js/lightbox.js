/** A picture of the transcript, large, without leaving the page. */

/** Start. Without this module the links of the pictures lead to the pictures themselves. */
export function wireLightbox() {
  const dialog = document.getElementById("lightbox");
  if (!dialog) return;
  const image = dialog.querySelector("img");
  const original = dialog.querySelector("a");
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-picture]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      image.src = original.href = link.href;
      image.alt = link.querySelector("img").alt;
      dialog.showModal();
    } else if (dialog.open && (event.target === dialog || event.target.closest("#lightbox img"))) {
      dialog.close();
    }
  });
  dialog.addEventListener("close", () => image.removeAttribute("src"));
}

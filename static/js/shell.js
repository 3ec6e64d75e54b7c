/** What is around every page: rail, palette, shortcuts, secrets that are shown once, requests of people who are logged out. */

import "./drawer.js";
import "./focus.js";
import "./keys.js";
import "./palette.js";
import "./viewport.js";
import { toClipboard } from "./copy.js";

document.querySelector(".settings-nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-text]");
  const secret = button && document.getElementById(button.dataset.copyText);
  if (secret && await toClipboard(secret.textContent.trim(), secret)) button.textContent = button.dataset.copied;
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (!new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/accounts/login/")) return;
  event.detail.shouldSwap = false;
  location.reload();
});

/** The provider form: the address that belongs to the chosen kind, and patience while the key is tried. */

const address = document.getElementById("id_base_url");
const kinds = document.querySelectorAll("[name=kind]");
const send = document.querySelector("[data-busy]");

function suggest() {
  const chosen = document.querySelector("[name=kind]:checked");
  const own = chosen?.dataset.baseUrl ?? "";
  const isSuggested = [...kinds].some((kind) => kind.dataset.baseUrl && kind.dataset.baseUrl === address.value);
  if (isSuggested) address.value = "";
  address.placeholder = own || "https://llm.example.org/v1";
}

/** A key is tried before the next page comes: say so, and take no second press. */
function wait() {
  send.textContent = send.dataset.busy;
  send.disabled = true;
}

/** A page that the browser kept comes back as it was before. */
function wake() {
  send.textContent = send.dataset.idle;
  send.disabled = false;
}

kinds.forEach((kind) => kind.addEventListener("change", suggest));
if (send) {
  send.dataset.idle = send.textContent;
  send.form.addEventListener("submit", wait);
  window.addEventListener("pageshow", wake);
}

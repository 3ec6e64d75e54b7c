/** The provider form: the address that belongs to the chosen kind. */

const address = document.getElementById("id_base_url");
const kinds = document.querySelectorAll("[name=kind]");

function suggest() {
  const chosen = document.querySelector("[name=kind]:checked");
  const own = chosen?.dataset.baseUrl ?? "";
  const isSuggested = [...kinds].some((kind) => kind.dataset.baseUrl && kind.dataset.baseUrl === address.value);
  if (isSuggested) address.value = "";
  address.placeholder = own || "https://llm.example.org/v1";
}

kinds.forEach((kind) => kind.addEventListener("change", suggest));

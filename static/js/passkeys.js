/** Passkeys: makes one, or asks for one, and sends what the browser answers with the form around the button. */

const CONVERTED = ["challenge", "id", "attestationObject", "authenticatorData", "clientDataJSON", "rawId", "signature", "userHandle"];

function toBytes(text) {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
  return Uint8Array.from(atob(padded), (char) => char.charCodeAt(0));
}

function toText(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The server's options with bytes where the browser wants bytes. */
function readOptions({ publicKey }) {
  const credentials = (list) => (list ?? []).map((item) => ({ ...item, id: toBytes(item.id) }));
  const read = { ...publicKey, challenge: toBytes(publicKey.challenge) };
  if (publicKey.user) read.user = { ...publicKey.user, id: toBytes(publicKey.user.id) };
  if (publicKey.excludeCredentials) read.excludeCredentials = credentials(publicKey.excludeCredentials);
  if (publicKey.allowCredentials) read.allowCredentials = credentials(publicKey.allowCredentials);
  return read;
}

/** A credential as JSON. */
function writeCredential(credential) {
  const response = {};
  for (const name of CONVERTED) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({
    id: credential.id,
    type: credential.type,
    rawId: toText(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  });
}

async function fetchOptions(form) {
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return (await answer.json()).request_options;
}

function embeddedOptions() {
  const found = JSON.parse(document.getElementById("passkey-options").textContent);
  return found.creation_options ?? found.request_options;
}

async function run(form) {
  const kind = form.dataset.passkey;
  const publicKey = readOptions(kind === "login" ? await fetchOptions(form) : embeddedOptions());
  if (kind === "create") {
    // One that can log in alone, where the device can make such a one.
    publicKey.authenticatorSelection = { ...publicKey.authenticatorSelection, residentKey: "preferred", requireResidentKey: false };
    return navigator.credentials.create({ publicKey });
  }
  return navigator.credentials.get({ publicKey });
}

function complain(form, words) {
  const place = form.querySelector("[role=alert]");
  place.textContent = words;
  place.hidden = !words;
}

async function press(form, button) {
  button.disabled = true;
  complain(form, "");
  try {
    form.elements.credential.value = writeCredential(await run(form));
    form.submit();
  } catch {
    complain(form, form.dataset.refused);
    button.disabled = false;
  }
}

/** Why no passkey can be had here; the button says so unless there is a password beside it. */
function refuse(form, button) {
  button.disabled = true;
  const { numeric, unable } = form.dataset;
  if (!unable) return;
  form.hidden = false;
  complain(form, isNumeric ? numeric : unable);
}

const isNumeric = /^[\d.]+$|^\[/.test(location.hostname);
for (const form of document.querySelectorAll("[data-passkey]")) {
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential || isNumeric) refuse(form, button);
  else form.hidden = false;
  button.addEventListener("click", () => press(form, button));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    press(form, button);
  });
}

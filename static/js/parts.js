/** Finished blocks stand in parts: where few elements stand side by side, a long text costs no more than a short one. */

const PART = 40; // blocks, as in conversations/rendering.py

/** Put the blocks of `fragment` at the end of `body`; no part ends behind a heading. */
export function appendBlocks(body, fragment) {
  let part = body.lastElementChild;
  for (const block of [...fragment.children]) {
    if (!part || (part.childElementCount >= PART && !part.lastElementChild.matches(".heading"))) {
      part = document.createElement("div");
      part.className = "part";
      body.append(part);
    }
    part.append(block);
  }
  // Not for the style to find out: it would look at every block.
  body.classList.toggle("ends-with-heading", Boolean(part?.lastElementChild.matches(".heading")));
}

/** The height that a keyboard on the screen leaves, where the browser does not take it off by itself (iOS). */

const KEYBOARD = 120; // pixels; less than this is a bar of the browser

function fit() {
  const { height, scale } = visualViewport;
  const hasKeyboard = scale === 1 && innerHeight - height > KEYBOARD;
  if (hasKeyboard) document.documentElement.style.setProperty("--visible", `${height}px`);
  else document.documentElement.style.removeProperty("--visible");
  if (hasKeyboard) scrollTo(0, 0);
}

if (window.visualViewport) visualViewport.addEventListener("resize", fit);

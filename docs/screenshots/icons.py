"""Draw the icons for home screens from static/img/logo.svg; run it by hand after a change of the logo."""

import re
from pathlib import Path

from playwright.sync_api import sync_playwright

FOLDER = Path(__file__).resolve().parents[2] / "static/img"
SAFE = 0.72  # of a picture that a system cuts to its own shape is sure to be seen
ICONS = {"icon-192": (192, False), "icon-512": (512, False), "icon-maskable-512": (512, True), "icon-180": (180, True)}


def main() -> None:
    """Write every icon as PNG."""
    logo = (FOLDER / "logo.svg").read_text()
    [colour] = re.findall(r'<rect[^>]*fill="([^"]+)"', logo)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, (size, is_full) in ICONS.items():
            page = browser.new_page(viewport={"width": size, "height": size})
            ground, share = (colour, SAFE) if is_full else ("transparent", 1)
            style = f"margin:0;height:100vh;display:grid;place-items:center;background:{ground}"
            page.set_content(f'<body style="{style}">{logo.replace("<svg", f"<svg width={round(size * share)}", 1)}')
            page.screenshot(path=FOLDER / f"{name}.png", omit_background=True)
        browser.close()


if __name__ == "__main__":
    main()

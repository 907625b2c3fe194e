"""How soon the pages of the explorer are there, and how smoothly they move: Chromium, headless, medians."""

from __future__ import annotations

import gzip
import http.server
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from rich.table import Table

from tallybook import Book

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--no-first-run"),
)
ROUNDS = 5
_FIRST_CHART = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".chart-canvas[data-drawn]")) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstChart = performance.now(); }));
}).observe(document, { subtree: true, attributes: true, childList: true });
"""
_FRAMES = """async () => {
  const frames = [];
  let last = performance.now();
  document.getElementById("play").click();
  return new Promise((resolve) => {
    const step = (now) => {
      frames.push(now - last);
      last = now;
      if (frames.length < 240) requestAnimationFrame(step); else resolve(frames.slice(1));
    };
    requestAnimationFrame(step);
  });
}"""
_MOVES = """async () => {
  const canvas = document.querySelector(".chart-canvas");
  const box = canvas.getBoundingClientRect();
  const times = [];
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  for (let step = 0; step < 40; step += 1) {
    await frame();
    const at = { clientX: box.left + 100 + step * 20, clientY: box.top + 100, bubbles: true };
    canvas.dispatchEvent(new PointerEvent("pointermove", at));
    // What the page asked for runs first in the frame, then this; what it left for later is over when the timer is.
    const began = await frame();
    await new Promise((resolve) => setTimeout(resolve));
    times.push(performance.now() - began);
  }
  return times;
}"""
_UNTIL_DRAWN = """async (selector) => {
  const canvas = document.querySelector(".chart-canvas");
  const began = performance.now();
  document.querySelector(selector).click();
  return new Promise((resolve) => {
    const observer = new MutationObserver(() => {
      observer.disconnect();
      resolve(performance.now() - began);
    });
    observer.observe(canvas, { subtree: true, attributes: true, childList: true });
  });
}"""


class _Packed(http.server.SimpleHTTPRequestHandler):
    """Serves a folder as hosts do: what is text is packed."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = _packed(path)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@cache
def _packed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes(), 9)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine; yields its address."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Packed, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def explorer_speed(folder: Path, feed: Path) -> Table:
    """Return how quick the pages of the whole state record are, beside what is promised."""
    book = Book.init(folder / "explorer", template="nyt")
    book.record("nyt", feed)
    return page_speed(book.publish().folder)


def page_speed(site: Path) -> Table:
    """Return how quick the pages of a site are, beside what is promised."""
    table = Table("explorer", "measured", "promised", title="Pages (Chromium, headless)", title_justify="left")
    with served(site) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for name, measured, promised in _rows(browser, address):
            table.add_row(name, measured, promised)
        browser.close()
    return table


def _rows(browser: Browser, address: str) -> Iterator[tuple[str, str, str]]:
    first = _median(lambda: _first_chart(browser, f"{address}compare.html"))
    yield "compare: first chart", f"{first:.0f} ms", "600 ms"
    slow = _median(lambda: _first_chart(browser, f"{address}compare.html", slow=True), rounds=3)
    yield "the same, CPU 4 × slower, 10 Mbit/s", f"{slow:.0f} ms", "1,500 ms"
    for name in ("compare", "bubbles"):
        yield (
            f"{name}: all that is loaded, packed",
            f"{_loaded(browser, f'{address}{name}.html') / 1e3:.0f} kB",
            "500 kB",
        )
    with _opened(browser, f"{address}compare.html") as page:
        yield "compare: hover", f"{_hover(page):.1f} ms", "16 ms"
        yield "compare: theme", f"{_until_drawn(page, '#theme'):.1f} ms", "50 ms"
    with _opened(browser, f"{address}bubbles.html") as page:
        yield "bubbles: filter to redrawn", f"{_until_drawn(page, '#filter-region input'):.1f} ms", "120 ms"
        yield "bubbles: theme", f"{_until_drawn(page, '#theme'):.1f} ms", "50 ms"
        frames = sorted(page.evaluate(_FRAMES))
        yield "bubbles: 95 % of frames, 60 days a second", f"{frames[int(len(frames) * 0.95)]:.1f} ms", "33 ms"


def _median(measure: Callable[[], float], rounds: int = ROUNDS) -> float:
    return statistics.median(measure() for _ in range(rounds))


@contextmanager
def _opened(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.wait_for_selector(".chart-canvas[data-drawn]")
    page.wait_for_timeout(300)
    yield page
    page.close()


def _first_chart(browser: Browser, address: str, *, slow: bool = False) -> float:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(_FIRST_CHART)
    if slow:
        session = context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        line = {"offline": False, "latency": 20, "downloadThroughput": 1.25e6, "uploadThroughput": 1.25e6}
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", line)
    page.goto(address, timeout=90_000)
    page.wait_for_function("window.firstChart", timeout=90_000)
    found: float = page.evaluate("window.firstChart")
    context.close()
    return found


def _loaded(browser: Browser, address: str) -> float:
    page = browser.new_page()
    page.goto(address, wait_until="networkidle")
    sizes: list[float] = page.evaluate(
        "[...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]"
        ".map((entry) => entry.encodedBodySize)"
    )
    page.close()
    return sum(sizes)


def _hover(page: Page) -> float:
    """Return the median time from a frame that a move of the pointer waits for to the changed picture."""
    times: list[float] = page.evaluate(_MOVES)
    return statistics.median(times)


def _until_drawn(page: Page, selector: str) -> float:
    """Return the median time from a click to the first change of the picture."""

    def once() -> float:
        took: float = page.evaluate(_UNTIL_DRAWN, selector)
        page.wait_for_timeout(150)
        return took

    return _median(once)

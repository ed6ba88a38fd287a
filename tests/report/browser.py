"""Opens pages of `resjac report` in headless Chromium and looks at them as a reader does: browser.py CHROMIUM PAGE [PICTURE_PREFIX].

At 1280 and at 390 pixels: no request leaves the page, every picture is there, the page does not scroll sideways, and nothing is set in
less than 12 pixels, in the pictures either. Chromium is spoken to through its DevTools protocol over two pipes; there is no other
library. With a prefix it leaves screenshots, PREFIX-1280.png and PREFIX-390.png. Exit code 1: something is wrong, and it says what.
"""
import base64
import fcntl
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile

WIDTHS = ((1280, 900, False), (390, 844, True))
LEAST_FONT = 12.0
PATIENCE = 90  # seconds for the whole test

# What only the browser knows, of the page as it is laid out. Letters of a picture are its own times the picture's scale.
LOOK = r"""
(async () => {
  const found = {pictures: [], small: [], wide: document.scrollingElement.scrollWidth, window: window.innerWidth, headings: 0,
                 empty: [], anchors: []};
  for (const image of document.images) {
    try { await image.decode(); } catch (error) { /* naturalWidth tells */ }
    const shown = image.getBoundingClientRect(), source = image.getAttribute('src');
    const box = {alt: image.alt, natural: image.naturalWidth, shown: shown.width, font: null, start: source.slice(0, 24)};
    if (image.naturalWidth > 0 && source.startsWith('data:image/svg+xml;base64,')) {
      const svg = new DOMParser().parseFromString(new TextDecoder().decode(Uint8Array.from(atob(source.slice(26)),
          c => c.charCodeAt(0))), 'image/svg+xml').documentElement;
      const width = svg.viewBox.baseVal.width || parseFloat(svg.getAttribute('width'));
      const sizes = [...svg.querySelectorAll('[font-size]')].filter(e => e.textContent.trim() !== '')
          .map(e => parseFloat(e.getAttribute('font-size')));
      box.font = Math.min(...sizes) * shown.width / width;
      box.strokes = svg.querySelectorAll('path,use,polygon,image,rect').length;
    }
    found.pictures.push(box);
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.data.trim() === '') continue;
    const size = parseFloat(getComputedStyle(node.parentElement).fontSize);
    if (size < LEAST && !['SUB', 'SUP'].includes(node.parentElement.tagName)) found.small.push([size, node.data.trim().slice(0, 40)]);
  }
  found.headings = document.querySelectorAll('h2').length;
  for (const link of document.querySelectorAll('a[href^="#"]'))
    if (!document.getElementById(link.getAttribute('href').slice(1))) found.anchors.push(link.getAttribute('href'));
  return JSON.stringify(found);
})()
""".replace("LEAST", str(LEAST_FONT))


class Browser:
    """One Chromium and one tab; `seen` has the address of every request."""

    def __init__(self, program, folder):
        to_browser, self.output = os.pipe()
        self.input, from_browser = os.pipe()

        def child():  # the protocol's pipes are descriptors 3 and 4, which may be taken by now
            held = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (to_browser, from_browser)]
            os.dup2(held[0], 3)
            os.dup2(held[1], 4)

        # A proxy that is not there: what would leave the machine fails, and is seen.
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
             "--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + folder,
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=child, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=dict(os.environ, HOME=folder, XDG_CONFIG_HOME=folder, XDG_CACHE_HOME=folder))
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.buffer, self.events, self.seen = 0, b"", [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    session = None

    def read(self):
        while b"\0" not in self.buffer:
            part = os.read(self.input, 1 << 16)
            if not part:
                raise SystemExit("the browser ended before it was done")
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        if message.get("method") == "Network.requestWillBeSent":
            self.seen.append(message["params"]["request"]["url"])
        return message

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.output, text):]
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise SystemExit("%s: %s" % (method, answer["error"]))
                return answer["result"]
            self.events.append(answer.get("method"))

    def open(self, address):
        self.events, self.seen = [], []
        self.call("Page.navigate", url=address)
        while "Page.loadEventFired" not in self.events:
            self.events.append(self.read().get("method"))

    def close(self):
        self.process.kill()
        self.process.wait()


def check(found, seen, address, width):
    """What is wrong with the page, a line each."""
    wrong = []
    for url in seen:
        if url != address and not url.startswith("data:"):
            wrong.append("a request leaves the page: " + url[:100])
    if not found["pictures"]:
        wrong.append("no picture")
    for box in found["pictures"]:
        if box["natural"] <= 0 or box["shown"] <= 0:
            wrong.append("picture '%s' (%s..) is not there" % (box["alt"], box["start"]))
        elif not box["start"].startswith("data:image/"):
            wrong.append("picture '%s' is not in the page: %s" % (box["alt"], box["start"]))
        elif box["font"] is not None and not box["font"] >= LEAST_FONT - 0.05:
            wrong.append("picture '%s' has letters of %.1f pixels" % (box["alt"], box["font"]))
        elif box["font"] is not None and box["strokes"] < 12:
            wrong.append("picture '%s' is empty: %d elements" % (box["alt"], box["strokes"]))
        if not box["alt"]:
            wrong.append("a picture has no text for those who do not see it")
    if found["wide"] > found["window"] or found["window"] != width:
        wrong.append("the page is %s pixels wide in a window of %s" % (found["wide"], width))
    for size, text in found["small"]:
        wrong.append("'%s' is set in %.1f pixels" % (text, size))
    for anchor in found["anchors"]:
        wrong.append("nothing has the address " + anchor)
    if found["headings"] < 3:
        wrong.append("%d headings" % found["headings"])
    return wrong


def main(program, page, prefix=None):
    address, failed = pathlib.Path(page).resolve().as_uri(), False
    signal.alarm(PATIENCE)  # the default action ends the test where the browser hangs
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(program, folder)
        try:
            for domain in ("Page", "Network"):
                browser.call(domain + ".enable")
            for width, height, mobile in WIDTHS:
                browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
                browser.open(address)
                result = browser.call("Runtime.evaluate", expression=LOOK, awaitPromise=True, returnByValue=True)
                if "exceptionDetails" in result:
                    raise SystemExit(json.dumps(result["exceptionDetails"])[:2000])
                found = json.loads(result["result"]["value"])
                wrong = check(found, browser.seen, address, width)
                print("%d pixels: %d pictures, %d requests, %d faults" % (width, len(found["pictures"]), len(browser.seen), len(wrong)))
                print("".join("  %s\n" % line for line in wrong), end="")
                failed = failed or bool(wrong)
                if prefix:
                    size = browser.call("Page.getLayoutMetrics")["cssContentSize"]
                    picture = browser.call("Page.captureScreenshot", captureBeyondViewport=True,
                                           clip=dict(x=0, y=0, width=width, height=min(size["height"], 16000), scale=1))
                    with open("%s-%d.png" % (prefix, width), "wb") as file:
                        file.write(base64.b64decode(picture["data"]))
        finally:
            browser.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

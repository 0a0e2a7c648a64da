"""What a learner sees and touches in JupyterLab, by the names that a lesson's cells have."""

import re
from pathlib import Path

import nbformat
from nbformat.reader import NotJSONError
from playwright.sync_api import Locator, Page, expect

from helpers.base.waiting import until

START = 30_000  # milliseconds for JupyterLab to open a notebook and start its kernel
THEMES = ("light", "dark")
WIDTHS = (1280, 1024)  # pixels
HEIGHT = 900
OVERLAP = 60  # pixels of a picture that the next one shows again
# JupyterLab asks for the picture in the README's tab in vain, before it asks at the right place.
IN_VAIN = "/notebooks/figure.png"

# An image's upper end as text, which changes as its title does. A live image that is replaced while
# it is decoded ends that with an error: the next one is asked for.
TITLE = """async img => {
    for (let tries = 0; tries < 20; tries++) {
        try { await img.decode(); break; } catch (error) { if (tries == 19) throw error; }
    }
    const height = img.naturalHeight / 10;
    const canvas = new OffscreenCanvas(img.naturalWidth, height);
    const drawing = canvas.getContext("2d");
    drawing.drawImage(img, 0, 0);
    return drawing.getImageData(0, 0, canvas.width, height).data.join();
}"""


class Window:
    """A browser window with JupyterLab in it. `errors` are those that its console has shown."""

    def __init__(self, page: Page, screenshots: Path):
        self.page = page
        self.screenshots = screenshots
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(error.stack or str(error)))
        page.on("console", self._heard)

    def open(self, address: str) -> None:
        """Opens it as `make lab` does."""
        self.page.goto(address)

    def menu(self, *names: str) -> None:
        """Chooses from the menus at the top, as in menu("Run", "Run All Cells")."""
        first, *others = names
        self.page.locator("#jp-MainMenu").get_by_text(first, exact=True).click()
        for depth, name in enumerate(others):
            entry = self.page.locator(".lm-Menu").nth(depth).locator(".lm-Menu-item")
            entry.filter(has_text=re.compile(rf"^{re.escape(name)}")).first.click()

    def theme(self, name: str) -> None:
        """Shows JupyterLab in its light or its dark theme.

        Waits for the splash that covers a change, before as well: JupyterLab takes it away twice
        where a change comes while it fades, and fails the second time.
        """
        splash = self.page.locator("#jupyterlab-splash")
        expect(splash).to_have_count(0)
        self.page.emulate_media(color_scheme=name)
        light = str(name == "light").lower()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-light", light)
        expect(splash).to_have_count(0)

    def picture(self, name: str) -> None:
        """Keeps what the window shows now, in both themes. The light one stays."""
        self.page.mouse.move(0, 0)  # away from what is shown differently under a mouse
        for theme in reversed(THEMES):
            self.theme(theme)
            self.page.screenshot(path=self.screenshots / f"{name}-{theme}.png")

    def _heard(self, message) -> None:
        where = message.location.get("url", "")
        if message.type == "error" and not where.endswith(IN_VAIN):
            self.errors.append(f"{message.text} ({where})")


class Panel:
    """The panel that a cell shows."""

    def __init__(self, output: Locator):
        self.output = output
        self.state = output.get_by_role("status")
        self.figure = output.locator("img").first

    def press(self, button: str) -> None:
        self.output.get_by_role("button", name=button, exact=True).click()

    def choose(self, option: str) -> None:
        self.output.get_by_label(option, exact=True).check()

    def slide(self, knob: str, key: str) -> None:
        """Moves a slider with a key, as in slide("linger_ms", "PageUp")."""
        slider = self.output.locator(".widget-slider, .widget-select-slider", has_text=knob)
        slider.get_by_role("slider").press(key)

    def count(self, name: str) -> int:
        """A number of the ledger, as in count("lost")."""
        pair = self.output.locator("dl > div").filter(
            has=self.output.page.locator("dt").get_by_text(name, exact=True)
        )
        text = pair.locator("dd").inner_text()
        return int(text.replace(",", "")) if text != "–" else 0

    def title(self) -> str:
        """The pixels of the figure's title, which says how the knobs stand."""
        return self.figure.evaluate(TITLE)


class Notebook:
    """A notebook in a window. Its cells go by their ids in the file."""

    def __init__(self, window: Window, path: Path):
        self.window = window
        self.page = window.page
        self.path = path
        self.area = self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.ids = [cell.id for cell in self.read().cells]

    def read(self) -> nbformat.NotebookNode:
        """What the file holds."""
        return nbformat.read(self.path, as_version=4)

    def wait_until_open(self) -> None:
        """Returns when its cells are there and its kernel waits for work."""
        expect(self.area.locator(".jp-Cell")).to_have_count(len(self.ids), timeout=START)
        self.wait_until_idle(START / 1000)

    def wait_until_idle(self, seconds: float) -> None:
        """Returns when the kernel is idle and no cell waits for it. Fails after so many seconds."""
        state = self.area.locator(".jp-Notebook-ExecutionIndicator")
        expect(self.area.get_by_text("[*]:", exact=True)).to_have_count(0, timeout=seconds * 1000)
        expect(state).to_have_attribute("data-status", "idle", timeout=seconds * 1000)

    def run_all(self, seconds: float) -> None:
        """Run > Run All Cells, until the last one has run."""
        self.window.menu("Run", "Run All Cells")
        expect(self.area.get_by_text("[*]:", exact=True)).not_to_have_count(0)
        self.wait_until_idle(seconds)

    def run(self, cell_id: str, seconds: float = 20) -> None:
        """Runs one cell, as Ctrl+Enter does."""
        self.editor(cell_id).click()
        self.page.keyboard.press("Control+Enter")
        self.wait_until_idle(seconds)

    def write(self, cell_id: str, source: str) -> None:
        """Puts other code into a cell, in place of what it holds."""
        self.editor(cell_id).click()
        self.page.keyboard.press("Control+a")
        # As one piece: typed letter by letter, the editor would close brackets and indent.
        self.page.keyboard.insert_text(source)

    def restart(self) -> None:
        """Kernel > Restart Kernel…, and yes."""
        self.window.menu("Kernel", "Restart Kernel…")
        self.page.locator(".jp-Dialog").locator(".jp-mod-accept").click()
        expect(self.page.locator(".jp-Dialog")).to_have_count(0)
        self.wait_until_idle(START / 1000)

    def reload(self) -> None:
        """Loads the page anew, as F5 does, with what was saved."""
        self.save()
        self.page.reload()
        self.wait_until_open()

    def close(self) -> None:
        """Closes its tab."""
        tab = self.page.locator("#jp-main-dock-panel .lm-TabBar-tab.lm-mod-current")
        tab.locator(".lm-TabBar-tabCloseIcon").click()
        expect(self.page.locator(".jp-NotebookPanel")).to_have_count(0)

    def save(self) -> nbformat.NotebookNode:
        """Saves it; what its file holds then."""
        before = self.path.stat().st_mtime_ns
        self.window.menu("File", "Save Notebook")
        saved = lambda: self.path.stat().st_mtime_ns != before and self.read()
        # It is no JSON while it is being written.
        return until(saved, 10, f"{self.path} is saved", passing=(NotJSONError,))

    def cell(self, cell_id: str) -> Locator:
        """The cell, in sight."""
        return self._index(self.ids.index(cell_id))

    def editor(self, cell_id: str) -> Locator:
        """Where its code is written."""
        return self.cell(cell_id).locator(".cm-content")

    def output(self, cell_id: str) -> Locator:
        """What it shows."""
        return self.cell(cell_id).locator(".jp-OutputArea")

    def shown(self) -> dict[str, str]:
        """What each cell shows: its output's text, and "img" for each picture that has arrived."""
        seen = """cells => cells.map(cell => [
            ...[...cell.querySelectorAll(".jp-OutputArea-output")].map(part => part.textContent),
            ...[...cell.querySelectorAll("img")].filter(img => img.naturalWidth).map(() => "img"),
        ].join(" "))"""
        return dict(zip(self.ids, self.area.locator(".jp-Cell").evaluate_all(seen), strict=True))

    def too_wide(self) -> list[str]:
        """Cells whose code, text or output is not in sight without scrolling sideways."""
        parts = ".cm-scroller, .jp-OutputArea-output, .jp-RenderedHTMLCommon"
        wide = """(cells, parts) => cells.map(cell => [...cell.querySelectorAll(parts)]
            .some(part => part.scrollWidth > part.clientWidth))"""
        found = self.area.locator(".jp-Cell").evaluate_all(wide, parts)
        return [cell_id for cell_id, is_wide in zip(self.ids, found, strict=True) if is_wide]

    def panel(self, cell_id: str) -> Panel:
        """The panel that a cell shows."""
        return Panel(self.output(cell_id))

    def pictures(self, name: str) -> None:
        """Keeps pictures of the whole notebook, window by window, in both themes and widths."""
        folder = self.window.screenshots / name
        folder.mkdir()
        self.page.mouse.move(0, 0)
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            for theme in THEMES:
                self.window.theme(theme)
                self._pictures(folder, f"{theme}-{width}")
        self.page.set_viewport_size({"width": WIDTHS[0], "height": HEIGHT})
        self.window.theme(THEMES[0])

    def _pictures(self, folder: Path, name: str) -> None:
        scrolled = self.area.locator(".jp-WindowedPanel-outer")
        step = scrolled.evaluate("view => { view.scrollTop = 0; return view.clientHeight }")
        for number in range(1, 100):
            self.page.screenshot(path=folder / f"{name}-{number:02d}.png")
            before, after = scrolled.evaluate(
                "(view, step) => [view.scrollTop, (view.scrollTop += step, view.scrollTop)]",
                step - OVERLAP,
            )
            if after == before:
                return

    def _index(self, index: int) -> Locator:
        """The cell at that place, in sight."""
        cell = self.area.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
        cell.scroll_into_view_if_needed()
        return cell

"""The panel: knobs and buttons over a live run, a figure of its last seconds, and its counts.

Where nobody is there to press a button (nbval, make notebooks-run), a scripted turn through two
settings takes its place, and leaves a figure.
"""

import atexit
import html
import os
import textwrap
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack

import ipywidgets
import pandas as pd

from .. import charts
from ..base import places
from ..base.errors import CourseError
from ..base.waiting import until
from ..base.widgets import view_or_text
from ..experiment import Live, Snapshot
from .knobs import make_knobs, settings_of

LAST = 20.0  # seconds that the figure shows
EVERY = 0.33  # seconds from one picture to the next
APART = 0.15  # seconds at least between two changes, however fast a slider is moved
PART = 1.2  # seconds that the scripted turn shows of each setting
PATIENCE = 20.0  # seconds for each of its steps, on a machine that is busy with other things
BEAT = 5.0  # seconds; so often a page that shows the panel says that it is there
# Seconds without a beat, after which no page shows the panel any more. A browser lets a page that
# is not in sight speak once a minute only.
GONE = 90.0
INSTEAD = "A panel with knobs, buttons and a live figure. To turn them, run this cell."

# Count -> words, and what it means.
COUNTS = {
    "sent": ("sent", "the producer's send has returned"),
    "acknowledged": ("acknowledged", "a broker has answered that it is stored"),
    "unconfirmed": ("unconfirmed", "sent with acks=0: no broker ever answers"),
    "failed": ("failed", "the program was told of an error"),
    "pending": ("in flight", "sent, and no answer has come yet"),
    "stored": ("stored", "a consumer has found it in the topic"),
    "lost": ("lost", "overtaken by others, and it will not come any more"),
    "silently_lost": ("silently lost", "lost, and the program was told of no error"),
    "duplicated": ("duplicated", "stored more than once"),
    "read": ("read", "records that the consumer got"),
    "done": ("done", "records that the consumer is done with"),
    "repeated": ("repeated", "records that were done before"),
}
OFTEN = [name for name in COUNTS if name not in ("done", "repeated")]  # shown by all panels
ALARMING = ("lost", "silently_lost")

# What can be broken: the act of Live, its button, and what that says when a mouse is over it.
FAULTS = {
    "leader": [
        ("kill_leader", "Kill the leader", "the broker ends at once (SIGKILL)"),
        ("freeze_leader", "Freeze the leader", "the broker stands still (SIGSTOP)"),
        ("bring_back", "Bring it back", "the broker is started, or goes on"),
    ],
    "reader": [
        ("kill_reader", "Kill a reader", "its process ends at once (SIGKILL)"),
        ("bring_back", "Bring it back", "the reader is started again"),
    ],
}

_NONE = object()
# At most one run at a time, of all panels: two would compete for the machine that they measure.
_one_at_a_time = threading.RLock()
_running: "set[Panel]" = set()


def show(
    make_live: Callable[[dict, float], Live],
    knobs: Mapping[str, object],
    *,
    rate: float = 1_000,
    faults: bool | str = False,
    title: str = "",
) -> "Panel | charts.Chart":
    """A panel; or, where nobody is there to press a button, the figure of a scripted turn.

    The turn takes 4 s, through two settings of the first knob. `title` is the figure's, if not two
    settings side by side. The rest, and what is raised, is as for Panel and Panel.turn.
    """
    panel = Panel(make_live, knobs, rate=rate, faults=faults)
    return panel.turn(title) if os.environ.get(places.UNATTENDED) else panel


class Panel:
    """Knobs and buttons over a live run. As the last value of a cell it shows itself.

    ``make_live(settings, rate)`` starts the run (rate: messages per second). `knobs`: name ->
    values. A tuple (low, high) or (low, high, first) makes a slider, of whole numbers where all of
    them are; where high is 50 times low or more, it is logarithmic. A list makes a choice, in which
    "0" stands for the number 0. A dict makes a choice whose values are several settings that go
    together, as in ``acks={"0": dict(acks=0, retries=0), "all": {}}``: what the chosen one does not
    name is the client's default. A knob `rate` is the pace; without one it is `rate`. `faults`:
    with buttons to kill the leader, to freeze it and to bring it back; or, if it is "reader", to
    kill a process of the last program and to bring it back.

    Nothing runs before Start is pressed. At most one panel runs in a kernel: another one that is
    made or started ends it. Raises ValueError for more than four knobs or none, and for values of
    which no knob can be made.
    """

    def __init__(
        self,
        make_live: Callable[[dict, float], Live],
        knobs: Mapping[str, object],
        *,
        rate: float = 1_000,
        faults: bool | str = False,
    ):
        self._make_live, self._rate = make_live, rate
        self.knobs = make_knobs(knobs)
        self._live: Live | None = None
        self._thread: threading.Thread | None = None
        self._over, self._turned = threading.Event(), threading.Event()
        self._broken = False
        self._beats = self._asked = 0.0  # when a page was last heard of, and told to go on
        self._error = ""
        self._screen = charts.Screen("Not started yet")
        self._build(faults)
        stop_all()

    # What the buttons do. All may come in threads of their own, and while another is at work.

    def start(self) -> None:
        """Starts a run with what the knobs say. Does nothing where it runs already."""
        with _one_at_a_time:
            if self._live:
                return
            stop_all()
            self._say("Starting …")
            self.start_button.disabled = True
            try:
                self._live = self._begin()
            except BaseException:
                self._say("Not started.")
                self._enable()
                raise
            _running.add(self)
            atexit.register(self.stop)
            self._broken, self._beats, self._asked = False, 0.0, 0.0
            self._over.clear()
            self._turned.clear()
            self.pulse.playing = True
            self._thread = threading.Thread(target=self._follow, name="panel", daemon=True)
            self._thread.start()
            self._say("Running.")
            self._enable()

    def stop(self, why: str = "Stopped.") -> None:
        """Ends the run, if there is one."""
        with _one_at_a_time:
            live, self._live = self._live, None
            if live is None:
                return
            self._over.set()
            self._turned.set()
            if self._thread is not threading.current_thread():
                self._thread.join()
            self._say("Stopping …")
            self.pulse.playing = False
            try:
                live.stop()
            finally:
                _running.discard(self)
                atexit.unregister(self.stop)
                self._broken = False
                self._say(why)
                self._enable()

    def _begin(self) -> Live:
        self._at_work, self._words = self._wanted(), [knob.words for knob in self.knobs.values()]
        return self._make_live(*self._at_work)

    def _break(self, act: str) -> None:
        if self._live:
            getattr(self._live, act)()
            self._broken = act != "bring_back"
            self._enable()

    def _wanted(self) -> tuple[dict[str, object], float]:
        """What the knobs say: settings, and rate."""
        settings = settings_of(self.knobs)
        return settings, settings.pop("rate", self._rate)

    # What is seen

    def _build(self, faults: bool | str) -> None:
        self.start_button = self._button("Start", "starts the programs", self.start)
        self.start_button.button_style = "primary"
        self.stop_button = self._button("Stop", "ends the programs", self.stop)
        buttons = [self.start_button, self.stop_button]
        self.fault_buttons = {}
        if faults:
            self.fault_buttons = {
                act: self._button(text, tip, lambda act=act: self._break(act))
                for act, text, tip in FAULTS["reader" if faults == "reader" else "leader"]
            }
            buttons += self.fault_buttons.values()
        self.state = ipywidgets.HTML()
        # With room for a line, so that the figure stays where it is when there is one.
        self.trouble = ipywidgets.HTML(layout={"min_height": "2.2em"})
        self.counts = ipywidgets.HTML()
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "min(100%, 768px)"})
        self.tape = ipywidgets.Image(format="png", layout={"max_width": "100%", "display": "none"})
        # Out of sight: a page counts on it as long as it shows the panel.
        self.pulse = ipywidgets.Play(
            interval=1000 * BEAT, max=10**9, repeat=True, layout={"display": "none"}
        )
        self.pulse.observe(self._beat, "value")
        for knob in self.knobs.values():
            knob.widget.observe(self._safely(self._turn_knob), "value")
        self.box = ipywidgets.VBox(
            [
                *(knob.widget for knob in self.knobs.values()),
                ipywidgets.Box([*buttons, self.state], layout={"flex_flow": "row wrap"}),
                self.trouble,
                self.picture,
                self.counts,
                self.tape,
                self.pulse,
            ]
        )
        self._say("Not started.")
        self._enable()
        self.counts.value = _table({})
        nothing = {
            name: pd.DataFrame(columns=["seconds", *lines], dtype=float)
            for name, lines in [
                ("throughput", ["per_s"]),
                ("latency", ["p50_ms", "p99_ms"]),
                ("lag", ["lag"]),
            ]
        }
        self.picture.value = self._screen.show(nothing, window=(0, LAST)).png(quick=True)

    def _button(self, text: str, tip: str, act: Callable) -> ipywidgets.Button:
        button = ipywidgets.Button(description=text, tooltip=tip, layout={"width": "auto"})
        button.on_click(self._safely(act))
        return button

    def _safely(self, act: Callable[[], None]) -> Callable:
        """What a widget may call: an error is shown, which would else be in the browser's log."""

        def acting(*_: object) -> None:
            self._tell("")
            try:
                act()
            except Exception as error:
                self._tell(_words(error))

        return acting

    def _enable(self) -> None:
        running = self._live is not None
        self.start_button.disabled = running
        self.stop_button.disabled = not running
        for act, button in self.fault_buttons.items():
            # Bringing back always works, as it may have failed before.
            button.disabled = not running or (self._broken and act != "bring_back")

    def _say(self, text: str) -> None:
        self.state.value = f'<span role="status" style="margin-left: 1em">{text}</span>'

    def _tell(self, error: str, more: int = 0) -> None:
        """Shows an error, with how many there were before it; or none."""
        self._error = error
        also = f" ({more} more before it)" if more else ""
        self.trouble.value = (
            '<div role="alert" style="color: var(--jp-error-color1); white-space: pre-wrap; '
            f'max-width: 60em"><b>Error:</b> {html.escape(error)}{also}</div>'
            if error
            else ""
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        return view_or_text(self.box, INSTEAD)

    def __repr__(self) -> str:
        return INSTEAD

    # What goes on while it runs

    def _turn_knob(self) -> None:
        self._turned.set()

    def _beat(self, _: object) -> None:
        self._beats = time.monotonic()

    def _follow(self) -> None:
        """The panel's own thread: applies what was turned and draws, until the run is over."""
        live, begun = self._live, time.monotonic()
        while not self._over.is_set():
            begun = time.monotonic()
            try:
                self._apply(live)
                self._draw(live.snapshot(last=LAST))
            except Exception as error:
                self._tell(_words(error))
            if self._is_alone(begun):
                # In yet another thread, as whoever stops a run waits for this one.
                why = ("Stopped, as no page showed the panel any more.",)
                threading.Thread(target=self.stop, args=why, daemon=True).start()
                return
            # On a slow machine the kernel gets half of the time at least.
            took = time.monotonic() - begun
            self._over.wait(APART)
            self._turned.wait(max(EVERY - APART - took, took - APART, 0))
            self._turned.clear()

    def _is_alone(self, now: float) -> bool:
        """Whether no page shows it any more. One that never said so is believed to be there."""
        silence = now - max(self._beats, self._asked)
        if self._beats and silence > 3 * BEAT:
            # A page that was loaded again shows the panel, but goes on only when it is told to.
            self._asked = now
            self.pulse.playing = False
            self.pulse.playing = True
        return bool(self._beats) and now - self._beats > GONE

    def _apply(self, live: Live) -> None:
        settings, rate = wanted = self._wanted()
        (before, pace), words = self._at_work, self._words
        if wanted == (before, pace):
            return
        # Also where it fails: what can't work is tried once.
        self._at_work, self._words = wanted, [knob.words for knob in self.knobs.values()]
        live.change(
            rate=rate if rate != pace else None,
            label=", ".join(word for word in self._words if word not in words),
            without=before.keys() - settings.keys(),
            **{name: value for name, value in settings.items() if before.get(name, _NONE) != value},
        )

    def _draw(self, now: Snapshot) -> None:
        figure = self._screen.show(
            _frames(now),
            window=(max(0.0, now.now - LAST), max(LAST, now.now)),
            events=now.events,
            title=textwrap.shorten(", ".join(self._words), 80, placeholder=" …"),
        )
        self.picture.value = figure.png(quick=True)
        self.counts.value = _table(now.counts)
        if now.errors:
            self._tell(now.errors[-1], len(now.errors) - 1)
        if now.tape:
            places_, records, last = now.tape
            drawn = charts.tape(places_, records=records, last=last, title="")
            self.tape.layout.display = None
            self.tape.value = drawn.png(quick=True)

    # Where nobody is there

    def turn(self, title: str = "") -> charts.Chart:
        """Runs, changes one knob, and returns the figure of it: 4 s, unless the machine is busy.

        Raises CourseError for an error in the programs, NotInTime where the change does not come.
        """
        knob = next(iter(self.knobs.values()))
        knob.widget.value, after = knob.extremes
        before = knob.words
        live = self._begin()
        with ExitStack() as stack:
            stack.callback(live.stop)
            seen = lambda: _sound(live.snapshot(last=LAST))
            until(lambda: seen().now >= PART, PATIENCE, "the programs run")
            turned = seen().now
            knob.widget.value = after
            self._apply(live)
            changes = lambda: [at for at, _ in seen().events if at >= turned]
            [at, *_] = until(changes, PATIENCE, f"{knob.words} is at work", nap=0.05)
            now = until(lambda: _after(at + PART, seen()), PATIENCE, "it shows", nap=0.05)
        frames = _frames(now)
        found = [_part(frames, 0, turned, before), _part(frames, at, now.now, knob.words)]
        return charts.live(
            frames, window=(0, now.now), events=now.events, title=title or "; ".join(found)
        )


def stop_all() -> None:
    """Ends the run of every panel."""
    for panel in list(_running):
        panel.stop("Stopped, as another panel was made or started.")


def _sound(now: Snapshot) -> Snapshot:
    """What it is given. Raises CourseError for an error in the programs."""
    if now.errors:
        raise CourseError(f"The panel's programs: {now.errors[-1]}")
    return now


def _after(moment: float, now: Snapshot) -> Snapshot | None:
    return now if now.now >= moment else None


def _part(frames: Mapping[str, pd.DataFrame], begin: float, end: float, words: str) -> str:
    """What a part of the turn shows, as in "acks=0: 1,980/s, p99 2.1 ms"."""
    seen = {
        name: frame[(frame["seconds"] > begin) & (frame["seconds"] <= end)]
        for name, frame in frames.items()
    }
    # The mean of what was read, as a reader may take many at once, and none for a while.
    rate = charts.number(round(seen["throughput"]["per_s"].mean(), -1))
    p99 = charts.number(seen["latency"]["p99_ms"].median())
    return f"{words}: {rate}/s, p99 {p99} ms"


def _frames(now: Snapshot) -> dict[str, pd.DataFrame]:
    return {"throughput": now.throughput, "latency": now.latency, "lag": now.lag}


def _words(error: Exception) -> str:
    """An error of the course says it all; of others one wants to know the kind, too."""
    if isinstance(error, CourseError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _table(counts: Mapping[str, int]) -> str:
    """The ledger's counts as HTML, on the figures' paper: readable in every theme.

    In a line below the figure, broken where the window is narrow.
    """
    pairs = []
    for name, (words, meaning) in COUNTS.items():
        count = counts.get(name)
        if count is None and name not in OFTEN:
            continue
        alarm = name in ALARMING and count
        look = "background: #B5121B; color: white" if alarm else ""
        pairs.append(
            f'<div title="{meaning}" style="padding: 2px 8px; {look}">'
            # JupyterLab's own style would lay the number on the words.
            f'<dt style="float: none; font-weight: normal">{words}</dt>'
            '<dd style="float: none; margin: 0; font-weight: bold; '
            'font-variant-numeric: tabular-nums">'
            f"{'–' if count is None else charts.number(count)}</dd></div>"
        )
    return (
        '<dl style="display: flex; flex-wrap: wrap; margin: 0; max-width: 768px; '
        f'background: #FBFBF8; color: #222222; line-height: 1.4">{"".join(pairs)}</dl>'
    )

"""A figure of windows over event time: how late events came, and which windows were open then."""

import matplotlib.dates
import pandas as pd
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from . import canvas

LATENESS = {
    "in time": (canvas.OK, "o"),
    "within grace": (canvas.FAILED, "^"),
    "too late": (canvas.SILENT, "X"),
}


@canvas.styled
def arrivals(frame: pd.DataFrame, *, windows: pd.DataFrame | None = None, title: str) -> Figure:
    """When each event happened against when it arrived, with the watermark as a line.

    frame: columns arrived, happened, watermark (datetime64, UTC; NaT where there is none yet), kind
    (one of LATENESS). `windows` are boxes, each as long as it is open: columns begin, end (of the
    window in event time), closed (when it was, or NaT for never; datetime64, UTC). Raises
    ValueError for no rows, a missing column or another kind.
    """
    canvas.check(frame, "arrivals", "arrived", "happened", "watermark", "kind")
    if strange := sorted(set(frame["kind"]) - set(LATENESS)):
        raise ValueError(
            f"arrivals: unknown kind {', '.join(map(str, strange))}; "
            f"known are {', '.join(LATENESS)}"
        )
    frame = frame.sort_values("arrived", kind="stable")
    first, last = frame["arrived"].iloc[[0, -1]]
    figure, [[axis]] = canvas.figure(title, height=4.2)
    if windows is not None:
        canvas.check(windows, "arrivals: windows", "begin", "end", "closed")
        axis.barh(
            windows["begin"],
            windows["closed"].fillna(last) - first,
            windows["end"] - windows["begin"],
            first,
            align="edge",
            color=canvas.PALE,
            alpha=0.5,
            edgecolor=canvas.PAPER,
            label="window is open",
        )
    known = frame.dropna(subset="watermark")
    axis.step(
        known["arrived"],
        known["watermark"],
        where="post",
        color=canvas.INK,
        lw=1.2,
        label="watermark",
    )
    for kind, (colour, marker) in LATENESS.items():
        events = frame[frame["kind"] == kind]
        axis.plot(
            events["arrived"],
            events["happened"],
            marker,
            color=colour,
            mec=canvas.darker(colour),
            ms=5,
            label=f"{kind}: {len(events)}",
        )
    _clock(axis.xaxis, "arrived (UTC)")
    _clock(axis.yaxis, "event time (UTC)")
    axis.grid(color=canvas.PALE, lw=0.6)
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return canvas.done(figure)


def _clock(axis: Axis, label: str) -> None:
    axis.set_major_locator(matplotlib.dates.AutoDateLocator(maxticks=9))
    axis.set_major_formatter(matplotlib.dates.DateFormatter("%H:%M"))
    axis.set_label_text(label)
    low, high = axis.get_data_interval()
    if low == high:  # half an hour around a single moment
        axis.axes.set(**{f"{axis.axis_name}lim": (low - 1 / 48, high + 1 / 48)})

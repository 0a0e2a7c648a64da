"""How long messages took: recorded one by one, and as percentiles."""

import time
from collections.abc import Callable

import numpy as np
import pandas as pd


def percentiles(samples: dict[str, np.ndarray]) -> pd.DataFrame:
    """Latencies in numbers: a row per variant from its samples in seconds.

    Columns: messages (int), p50_ms, p99_ms, max_ms (float64). Raises ValueError for a variant
    without samples.
    """
    empty = [variant for variant, seconds in samples.items() if len(seconds) == 0]
    if empty:
        raise ValueError(f"No latencies were measured for {', '.join(map(str, empty))}")
    rows = {
        variant: [len(seconds), *(1000 * np.percentile(seconds, [50, 99, 100]))]
        for variant, seconds in samples.items()
    }
    return pd.DataFrame.from_dict(
        rows, orient="index", columns=["messages", "p50_ms", "p99_ms", "max_ms"]
    ).astype({"messages": int})


class Latencies:
    """Records when messages were done.

    `done` is a callback of send: ``future.add_callback(latencies.done, due)``.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter):
        self._clock = clock
        self._spans: list[tuple[float, float]] = []

    def done(self, due: float, _answer: object = None) -> None:
        """Notes that the message that was due then is done now."""
        self._spans.append((due, self._clock()))

    def seconds(self) -> np.ndarray:
        """Seconds from due to done, float64, in the order in which messages were done."""
        spans = np.array(self._spans, dtype=np.float64).reshape(-1, 2)
        return spans[:, 1] - spans[:, 0]

    def frame(self, start: float | None = None) -> pd.DataFrame:
        """A row per message: seconds and latency_ms, both float64.

        `seconds` tell when it was due, since `start` or the first.
        """
        spans = np.array(sorted(self._spans), dtype=np.float64).reshape(-1, 2)
        first = start if start is not None else (spans[0, 0] if len(spans) else 0.0)
        return pd.DataFrame(
            {"seconds": spans[:, 0] - first, "latency_ms": 1000 * (spans[:, 1] - spans[:, 0])}
        )

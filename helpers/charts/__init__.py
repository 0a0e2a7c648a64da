"""All drawing. Data frames go in, a figure comes out, and a notebook shows it as a cell's last
expression: ``charts.lag(…)``.

    bars          throughput, scorecard, ledger
    tradeoff      tradeoff
    over_time     lag, in_flight, done_over_time, latency_over_time, stored_over_time
    live          live, Screen
    calls         calls_over_time
    ownership     gantt
    loads         load_curve, load_latency
    sweeps        heat_map, pareto, front
    crashes       lost_and_repeated
    partition     offsets
    tape          tape
    windows       arrivals
    diagrams      diagram
    whole_course  overview

    canvas        what all share: paper, colours, numbers, and how a figure shows itself
    marks         what figures over time share: the axis, events, bars of a tenth of a second

It touches no cluster, no file, and no other room.
"""

from .bars import ALARMS, MEASURES, ledger, scorecard, throughput
from .calls import calls_over_time
from .canvas import Chart, number, palette
from .crashes import lost_and_repeated
from .diagrams import diagram
from .live import Screen, live
from .loads import load_curve, load_latency
from .over_time import done_over_time, in_flight, lag, latency_over_time, stored_over_time
from .ownership import gantt
from .partition import offsets
from .sweeps import front, heat_map, pareto
from .tape import STATES, tape
from .tradeoff import tradeoff
from .whole_course import overview
from .windows import LATENESS, arrivals

__all__ = [
    "ALARMS",
    "LATENESS",
    "MEASURES",
    "STATES",
    "Chart",
    "Screen",
    "arrivals",
    "calls_over_time",
    "diagram",
    "done_over_time",
    "front",
    "gantt",
    "heat_map",
    "in_flight",
    "lag",
    "latency_over_time",
    "ledger",
    "load_curve",
    "load_latency",
    "live",
    "lost_and_repeated",
    "number",
    "offsets",
    "overview",
    "palette",
    "pareto",
    "scorecard",
    "stored_over_time",
    "tape",
    "throughput",
    "tradeoff",
]

"""A paced load, and what is recorded of a run.

They watch; they never send or read for the notebook.

    load         a paced load, and variants that take turns
    latency      how long messages took
    lag          how far readers are behind
    assignments  who owns which partition
    ledger       what was sent, acknowledged, failed, stored and processed

It reads from the cluster with clients of its own, and draws nothing.
"""

from .assignments import Assignments
from .lag import LagSampler, behind
from .latency import Latencies, percentiles
from .ledger import OUTCOMES, Ledger, by_json_id, compare, counted, found_again, records, stored_ids
from .load import MOST, alternating, paced, sleep_until

__all__ = [
    "MOST",
    "OUTCOMES",
    "Assignments",
    "LagSampler",
    "Latencies",
    "Ledger",
    "alternating",
    "behind",
    "by_json_id",
    "compare",
    "counted",
    "found_again",
    "paced",
    "percentiles",
    "records",
    "sleep_until",
    "stored_ids",
]

"""A lesson's experiment: described once, as programs of the notebook; measured, broken and turned.

    experiment  what a lesson holds in its hand
    live        its programs without end, while somebody changes their settings
    measure     its programs variant by variant, with faults or without
    side        one variant in such a run: its topic, and the processes of its programs
    recording   what a run was: all numbers come from it
    tape        what became of each record of a live run, by its place in the log
    faults      what can happen to the cluster and to readers meanwhile
    programs    who takes which settings, and how a program is started
    program     what it is handed in its process
    record      the rows that it writes there

It sends and reads nothing for a lesson: the programs stand in the notebook.
"""

from .experiment import Experiment
from .faults import (
    Crash,
    Fault,
    caught_up,
    crash,
    fail,
    freeze_followers,
    freeze_leader,
    kill_followers,
    kill_leader,
    kill_member,
    kill_service,
    offer,
    start_broker,
    start_brokers,
    start_member,
    start_service,
    stop_member,
    wake_followers,
    wake_leader,
)
from .live import Live, Snapshot
from .programs import Programs
from .recording import Recording, Runs

__all__ = [
    "Crash",
    "Experiment",
    "Fault",
    "Live",
    "Programs",
    "Recording",
    "Runs",
    "Snapshot",
    "caught_up",
    "crash",
    "fail",
    "freeze_followers",
    "freeze_leader",
    "kill_followers",
    "kill_leader",
    "kill_member",
    "kill_service",
    "offer",
    "start_broker",
    "start_brokers",
    "start_member",
    "start_service",
    "stop_member",
    "wake_followers",
    "wake_leader",
]

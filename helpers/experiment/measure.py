"""An experiment, measured: variants in turn or together, undisturbed or with faults."""

import functools
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from .. import meters
from ..base.waiting import until
from ..cluster import Cluster
from .faults import Crash, Fault
from .programs import PATIENCE, Programs
from .recording import Recording, Runs
from .side import Pace, Side

SOON = 0.05  # seconds until all programs begin at once


def measure(
    programs: Programs,
    variants: Mapping[str, Mapping[str, object]],
    pace: Pace,
    rounds: int,
    together: bool,
    faults: Iterable[Fault | Crash],
) -> Runs:
    """See Experiment.measure."""
    if not variants:
        raise ValueError("There is no variant to measure")
    for settings in variants.values():
        programs.share(settings)
    faults = list(faults)
    crashes = [each for each in faults if isinstance(each, Crash)]
    faults = sorted((each for each in faults if isinstance(each, Fault)), key=lambda each: each.at)
    if strangers := {name for fault in faults for name in fault.told} - set(variants):
        raise ValueError(f"A fault waits for {', '.join(sorted(strangers))}, which is no variant")
    turns = (
        [(number, list(variants)) for number in range(rounds)]
        if together
        else ((number, [name]) for number, name in meters.alternating(variants, rounds))
    )
    recordings = []
    for number, names in turns:
        group = {name: dict(variants[name]) for name in names}
        recordings += _turn(programs, number, group, pace, faults, crashes)
    return Runs(recordings)


def _turn(
    programs: Programs,
    number: int,
    variants: dict[str, dict],
    pace: Pace,
    faults: Sequence[Fault],
    crashes: Sequence[Crash],
) -> list[Recording]:
    """One run of these variants, at the same time."""
    cluster = programs.course.cluster
    waits = any(fault.waits for fault in faults)
    with ExitStack() as stack:
        if any(fault.hits for fault in faults):
            stack.callback(cluster.heal)
        # Before the sides: whatever ends them ends what waits for them.
        waiting = stack.enter_context(ThreadPoolExecutor(len(variants)))
        sides = [
            stack.enter_context(Side(programs, variant, settings, pace, waits, crashes))
            for variant, settings in variants.items()
        ]
        hits = any(fault.hits for fault in faults)
        leader = _one_leader(cluster, [side.topic for side in sides]) if hits else 0
        for side in sides:
            side.wait_until_ready()
        timers = stack.enter_context(ThreadPoolExecutor(1))
        start = time.perf_counter() + SOON
        for side in sides:
            side.go(start)
        by_name = dict(zip(variants, sides, strict=True))
        happened = timers.submit(_disturb, cluster, leader, faults, start, by_name)
        _show_progress(start, pace.seconds)
        events = happened.result()  # raises what went wrong there
        list(waiting.map(Side.finish, sides))
        offers = [(at, fault.rate) for (at, _), fault in zip(events, faults) if fault.rate]
        loads = [(0.0, pace.rate), *offers]
        return list(waiting.map(lambda side: side.recording(number, start, events, loads), sides))


def _one_leader(cluster: Cluster, topics: list[str]) -> int:
    leaders = {cluster.leader(topic) for topic in topics}
    if len(leaders) > 1:
        raise ValueError(
            "A fault hits one broker, but the variants' topics have different leaders: "
            "give the experiment replicas=[2, 3, 1]"
        )
    return leaders.pop()


def _disturb(
    cluster: Cluster,
    leader: int,
    faults: Sequence[Fault],
    start: float,
    sides: Mapping[str, Side],
) -> list[tuple[float, str]]:
    """The faults, each when it is due; when they really were, in seconds since the start."""
    events, later, since = [], 0.0, start
    for fault in faults:
        time.sleep(max(0.0, start + fault.at + later - time.perf_counter()))
        if fault.told or fault.read:
            for variant, side in sides.items():
                enough = functools.partial(side.has, fault.told.get(variant, 0), since, fault.read)
                until(enough, PATIENCE, f"{variant} has come so far: {fault.label}")
        if fault.member and fault.member[0] == "kill":
            for side in sides.values():
                side.wait_until_it_has_partitions(fault.member[1])
        since = fault.act(cluster, leader)
        for side in sides.values():
            if fault.rate:
                side.offer(fault.rate)
            if fault.member:
                side.change_member(*fault.member)
        if fault.member and fault.member[0] == "start":
            for side in sides.values():
                side.wait_for_member(fault.member[1])
            since = time.perf_counter()
        if fault.waits:
            later = since - start - fault.at
        events.append((since - start, fault.label))
    for side in sides.values():
        side.end(start + later)
    return events


def _show_progress(start: float, seconds: float) -> None:
    """Waits until the pace has come to its end, with a progress bar where that is long."""
    left = start + seconds - time.perf_counter()
    if left > 0:
        for _ in meters.paced(10, left):
            pass

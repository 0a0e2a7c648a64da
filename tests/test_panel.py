"""The panel, over a live run that is made up, with its widgets used as a browser uses them."""

import gc
import io
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from helpers import charts, notebooks
from helpers.base import places
from helpers.base.errors import CourseError, NotInTime
from helpers.base.waiting import until
from helpers.base.widgets import VIEW
from helpers.learn import panel
from helpers.learn.knobs import make_knob
from helpers.learn.panel import Panel

from live_fake import FakeLive

SOON = 10  # seconds; a busy machine may need them
ACKS = {"0": {"acks": 0, "retries": 0}, "1": {"acks": 1}, "all": {}}
KNOBS = {"acks": ACKS, "linger_ms": (0, 100), "rate": (100, 5_000)}


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.delenv(places.UNATTENDED, raising=False)
    monkeypatch.setattr(panel, "EVERY", 0.05)
    monkeypatch.setattr(panel, "APART", 0.02)
    FakeLive.forget()
    yield
    panel.stop_all()
    assert FakeLive.alive == 0
    assert not [thread for thread in threading.enumerate() if thread.name == "panel"]


@pytest.fixture
def shown():
    return Panel(FakeLive, KNOBS, faults=True)


@pytest.fixture
def running(shown):
    shown.start_button.click()
    return shown


def live():
    return FakeLive.made[-1]


def wait(condition, what="it happens", timeout=SOON):
    return until(condition, timeout, what)


def pictures_later(count=2):
    """Returns when so many more pictures have been drawn."""
    seen = live().snapshots
    wait(lambda: live().snapshots > seen + count, "it draws", SOON + count)


def turn(shown, name, value):
    shown.knobs[name].widget.value = value


def changes():
    return [call[1:] for call in live().calls if call[0] == "change"]


# ----------------------------------------------------------------------------------- start and stop


def test_nothing_runs_before_start_is_pressed(shown):
    turn(shown, "rate", 5_000)
    assert FakeLive.made == [] and not shown.start_button.disabled
    assert shown.stop_button.disabled
    assert all(button.disabled for button in shown.fault_buttons.values())
    assert "Not started" in shown.state.value


def test_it_starts_with_what_the_knobs_say(shown):
    turn(shown, "acks", "1")
    turn(shown, "linger_ms", 20)
    turn(shown, "rate", 2_000)
    shown.start_button.click()
    assert live().settings == {"acks": 1, "linger_ms": 20} and live().rate == 2_000
    assert "Running" in shown.state.value


def test_start_pressed_twice_is_one_run_and_stop_pressed_twenty_times_is_none(running):
    running.start_button.click()
    assert len(FakeLive.made) == FakeLive.alive == 1
    for _ in range(20):
        running.stop_button.click()
    assert FakeLive.alive == 0 and live().stopped == 1
    assert "Stopped" in running.state.value and not running.trouble.value


def test_pressed_in_several_threads_at_once_it_is_one_run(shown):
    """JupyterLab may handle each press in a thread of its own."""
    for press, alive in [(shown.start_button.click, 1), (shown.stop_button.click, 0)] * 2:
        threads = [threading.Thread(target=press) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert FakeLive.alive == alive
    assert len(FakeLive.made) == 2


def test_after_a_stop_it_can_be_started_again(running):
    running.stop_button.click()
    running.start_button.click()
    assert len(FakeLive.made) == 2 and FakeLive.alive == 1
    pictures_later()


def test_the_cell_run_again_ends_the_old_run(running):
    Panel(FakeLive, KNOBS)
    assert FakeLive.alive == 0
    assert "another panel" in running.state.value


def test_only_one_panel_runs(running):
    other = Panel(FakeLive, KNOBS)
    running.start_button.click()
    other.start_button.click()
    assert FakeLive.alive == 1
    assert not running.start_button.disabled and running.stop_button.disabled


def test_a_run_whose_stop_fails_is_over_and_the_error_is_shown(running, monkeypatch):
    stop = FakeLive.stop

    def fails(self):
        stop(self)
        raise CourseError("The topic could not be deleted")

    monkeypatch.setattr(FakeLive, "stop", fails)
    running.stop_button.click()
    assert "The topic could not be deleted" in running.trouble.value
    assert not running.start_button.disabled


def test_a_process_that_ends_ends_its_run(tmp_path):
    """As a kernel that is restarted or shut down does."""
    source = (
        "from live_fake import FakeLive\nfrom helpers.learn.panel import Panel\n"
        "FakeLive.stop = lambda self: print('stopped')\n"
        f"Panel(FakeLive, {KNOBS!r}).start()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", source],
        cwd=tmp_path,
        env=places.environment()
        | {"PYTHONPATH": f"{places.ROOT}:{places.ROOT / 'tests'}", places.UNATTENDED: ""},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (0, "stopped\n"), ended.stderr


# ------------------------------------------------------------------------------------------- knobs


def test_a_knob_that_is_turned_changes_the_run(running):
    turn(running, "linger_ms", 40)
    wait(lambda: changes() == [({"linger_ms": 40}, set())])
    turn(running, "rate", 3_000)
    wait(lambda: changes()[1:] == [({"rate": 3_000}, set())])
    assert [label for _, label in live().events] == ["linger_ms=40", "rate=3,000"]


def test_a_setting_that_the_chosen_value_does_not_name_is_taken_away(running):
    turn(running, "acks", "1")
    wait(lambda: changes() == [({"acks": 1}, {"retries"})])
    turn(running, "acks", "all")
    wait(lambda: changes()[1:] == [({}, {"acks"})])
    assert live().settings == {"linger_ms": 0}


def test_a_knob_turned_there_and_back_between_two_pictures_changes_nothing(running):
    with panel._one_at_a_time:
        running._over.set()
        running._turned.set()
        running._thread.join()
    turn(running, "linger_ms", 40)
    turn(running, "linger_ms", 0)
    running._apply(live())
    assert changes() == []


def test_a_slider_that_is_dragged_does_not_flood_the_run(running, monkeypatch):
    monkeypatch.setattr(panel, "APART", 0.2)
    pictures_later()
    for value in range(1, 101):
        turn(running, "linger_ms", value)
    wait(lambda: live().settings["linger_ms"] == 100)
    assert len(changes()) <= 3


def test_what_the_run_refuses_is_shown_and_tried_once(running):
    live().refuses["change"] = TypeError("None of the programs (produce) takes linger_ms")
    turn(running, "linger_ms", 40)
    wait(lambda: "None of the programs (produce) takes linger_ms" in running.trouble.value)
    pictures_later(5)
    assert len(changes()) == 1


def test_integers_stay_integers_and_a_wide_slider_is_logarithmic(shown):
    linger, rate = shown.knobs["linger_ms"].widget, shown.knobs["rate"].widget
    assert (linger.min, linger.max, linger.step) == (0, 100, 1)
    values = [value for _, value in rate.options]
    assert values == [100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000]
    assert all(type(value) is int for value in values)
    assert rate.value == 700 and rate.label == "700"
    assert shown.knobs["rate"].words == "rate=700"


@pytest.mark.parametrize(
    "values, first, low, high",
    [
        ((0, 100), 0, 0, 100),
        ((0, 100, 5), 5, 0, 100),
        ((1, 1_000, 20), 20, 1, 1_000),
        ((7, 1_234), 100, 7, 1_234),
        ((0.5, 2.0), 0.5, 0.5, 2.0),
        ((0.01, 10.0), 0.3, 0.01, 10.0),
        ((0, 16_384), 0, 0, 16_384),
    ],
)
def test_a_slider_reaches_both_ends(values, first, low, high):
    knob = make_knob("any", values)
    assert knob.widget.value == first
    for value in (low, high):
        knob.widget.value = value
        assert knob.settings == {"any": value}
    if hasattr(knob.widget, "step"):
        steps = (high - low) / knob.widget.step
        assert steps == pytest.approx(round(steps)) and steps <= 200


def test_what_is_out_of_reach_can_not_be_chosen(shown):
    turn(shown, "linger_ms", 5_000)
    assert shown.knobs["linger_ms"].settings == {"linger_ms": 100}
    for name, value in [("rate", 10**6), ("acks", "2")]:
        with pytest.raises(Exception, match="[Ii]nvalid"):
            turn(shown, name, value)


def test_a_choice_in_a_list_that_reads_as_a_number_is_one():
    knob = make_knob("acks", ["0", "-1", "all", "1.5"])
    settings = []
    for label in knob.widget.options:
        knob.widget.value = label
        settings.append(knob.settings["acks"])
    assert settings == [0, -1, "all", "1.5"]


@pytest.mark.parametrize(
    "values, told",
    [
        ((100, 0), "needs \\(low, high\\)"),
        ((0,), "needs \\(low, high\\)"),
        ((0, "1"), "needs \\(low, high\\)"),
        ((False, True), "needs \\(low, high\\)"),
        ((0, 10, 11), "can't begin at 11"),
        (["only"], "a list of two or more"),
        ({"a": 1, "b": 2}, "a dict label -> settings"),
        (5, "a tuple \\(low, high\\)"),
    ],
)
def test_values_of_which_no_knob_can_be_made_are_told(values, told):
    with pytest.raises(ValueError, match=f"The knob acks .*{told}"):
        Panel(FakeLive, {"acks": values})


@pytest.mark.parametrize("count", [0, 5])
def test_a_panel_has_one_to_four_knobs(count):
    with pytest.raises(ValueError, match=f"one to 4 knobs, not {count}"):
        Panel(FakeLive, {f"knob {n}": (0, 1) for n in range(count)})


def test_without_a_knob_for_it_the_rate_is_the_callers():
    other = Panel(FakeLive, {"acks": ACKS}, rate=250)
    other.start_button.click()
    assert live().rate == 250


# ------------------------------------------------------------------------------------------ faults


def test_faults_reach_the_run_and_one_broker_at_most_is_away(running):
    kill, freeze, back = running.fault_buttons.values()
    assert (kill.disabled, freeze.disabled, back.disabled) == (False, False, False)
    kill.click()
    assert (kill.disabled, freeze.disabled, back.disabled) == (True, True, False)
    back.click()
    assert (kill.disabled, freeze.disabled, back.disabled) == (False, False, False)
    freeze.click()
    assert [call[0] for call in live().calls] == ["kill_leader", "bring_back", "freeze_leader"]


def test_a_reader_is_what_a_panel_kills_where_it_is_asked_to():
    panel = Panel(FakeLive, KNOBS, faults="reader")
    panel.start_button.click()
    assert [each.description for each in panel.fault_buttons.values()] == [
        "Kill a reader",
        "Bring it back",
    ]
    for button in panel.fault_buttons.values():
        button.click()
    assert [call[0] for call in live().calls] == ["kill_reader", "bring_back"]


def test_a_fault_that_fails_is_shown_and_nothing_is_away(running):
    live().refuses["kill_leader"] = RuntimeError("no leader")
    running.fault_buttons["kill_leader"].click()
    assert "RuntimeError: no leader" in running.trouble.value
    assert not running.fault_buttons["kill_leader"].disabled


def test_without_faults_there_are_no_such_buttons():
    other = Panel(FakeLive, KNOBS)
    assert other.fault_buttons == {}
    assert "Kill" not in str([child.get_state() for child in other.box.children[3].children])


def test_what_is_lost_stands_out(running):
    pictures_later()
    assert "#B5121B" not in running.counts.value
    running.fault_buttons["kill_leader"].click()
    wait(lambda: running.counts.value.count("#B5121B") == 2, "lost and silently lost stand out")
    assert running.counts.value.count("1,153") == 2


# ------------------------------------------------------------------------------------------ errors


def test_a_start_that_fails_is_shown_in_words_and_can_be_tried_again():
    fails = [CourseError("No Kafka cluster answers. Start one with: make kafka-up")]
    other = Panel(lambda *order: FakeLive(*order, fails=fails and fails.pop()), KNOBS)
    other.start_button.click()
    assert "No Kafka cluster answers. Start one with: make kafka-up" in other.trouble.value
    assert "CourseError" not in other.trouble.value and not other.start_button.disabled
    other.start_button.click()
    assert FakeLive.alive == 1 and other.trouble.value == ""


def test_an_error_of_a_program_is_shown_with_how_many_there_were(running):
    live().errors += ["produce: KeyError: 'id'", "a callback: <ValueError> & co"]
    wait(lambda: "a callback: &lt;ValueError&gt; &amp; co (1 more before it)" in _text(running))
    live().errors.append("produce has ended")
    wait(lambda: "produce has ended (2 more before it)" in _text(running))


def _text(shown):
    return shown.trouble.value.replace("</div>", "")


def test_an_error_while_it_draws_is_shown_and_it_goes_on(running):
    live().refuses["snapshot"] = OSError("The record is gone")
    wait(lambda: "OSError: The record is gone" in running.trouble.value)
    pictures_later(3)
    running.stop_button.click()
    assert FakeLive.alive == 0


# ----------------------------------------------------------------------------------- what is seen


def test_the_figure_moves_and_all_of_its_pictures_have_one_size(running):
    seen = set()
    running.picture.observe(lambda change: seen.add(change["new"]), "value")
    turn(running, "rate", 5_000)
    running.fault_buttons["kill_leader"].click()
    wait(lambda: len(seen) >= 5, "five pictures are shown")
    assert len({Image.open(io.BytesIO(png)).size for png in seen}) == 1


def test_the_widgets_stay_the_same_while_it_runs(running):
    before = list(running.box.children)
    pictures_later(3)
    assert running.box.children == tuple(before)


def test_nothing_of_a_picture_is_kept(running):
    def alive():
        gc.collect()
        return len(gc.get_objects())

    pictures_later(10)
    before = alive()
    pictures_later(20)
    # A picture has over a thousand. Meanwhile a few more values are on it.
    assert alive() - before < 1_000


def test_the_kernel_gets_half_of_the_time_however_slow_drawing_is(running, monkeypatch):
    draw = Panel._draw

    def slowly(self, now):
        draw(self, now)
        assert not self._over.wait(0.2)

    monkeypatch.setattr(Panel, "_draw", slowly)
    pictures_later(1)
    begin, seen = time.monotonic(), live().snapshots
    pictures_later(3)
    assert (time.monotonic() - begin) / (live().snapshots - seen) >= 0.35


def test_a_tape_is_shown_where_the_run_has_one(running):
    pictures_later()
    assert running.tape.value == b"" and running.tape.layout.display == "none"
    frame = pd.DataFrame(
        {"beginning": 0, "committed": 3, "position": np.nan, "end": 9}, index=["partition 0"]
    )
    live().tape = (frame, None, None)
    wait(lambda: running.tape.value, "the tape is shown")
    assert Image.open(io.BytesIO(running.tape.value)).width == 768
    assert running.tape.layout.display is None


def test_its_output_is_a_view_with_words_for_those_who_see_no_widgets(shown):
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {VIEW, "text/plain"}
    assert bundle[VIEW]["model_id"] == shown.box.model_id
    assert bundle["text/plain"] == repr(shown) and "run this cell" in repr(shown)


# ------------------------------------------------------------------------------- when nobody looks


def test_a_run_that_no_page_shows_any_more_ends(running, monkeypatch):
    monkeypatch.setattr(panel, "BEAT", 0.1)
    monkeypatch.setattr(panel, "GONE", 1.0)
    running.pulse.value += 1
    wait(lambda: FakeLive.alive == 0, "the run is over")
    wait(lambda: "no page" in running.state.value)
    assert running.pulse.playing is False


def test_a_page_that_beats_keeps_its_run_and_is_told_to_go_on_when_silent(running, monkeypatch):
    monkeypatch.setattr(panel, "BEAT", 0.05)
    monkeypatch.setattr(panel, "GONE", 2.0)
    told = []
    running.pulse.observe(lambda change: told.append(change["new"]), "playing")
    begin = time.monotonic()
    running.pulse.value += 1
    # What a page does that was loaded again: it beats when it is told to play.
    beat = lambda change: setattr(running.pulse, "value", running.pulse.value + 1)
    running.pulse.observe(beat, "playing")
    wait(lambda: time.monotonic() > begin + 3, "more time has passed than a silent page has")
    assert FakeLive.alive == 1
    assert told[:2] == [False, True]


def test_a_page_that_never_beat_is_not_missed(running, monkeypatch):
    monkeypatch.setattr(panel, "GONE", 0.1)
    pictures_later(5)
    assert FakeLive.alive == 1


def test_a_variant_is_called_by_its_name_alone():
    shown = Panel(FakeLive, {"variant": {"patient": {"acks": "all"}, "hasty": {"acks": 0}}})
    assert shown.knobs["variant"].words == "patient"


# ------------------------------------------------------------------------------ the scripted turn


def scripted(monkeypatch, knobs=KNOBS, **more):
    monkeypatch.setenv(places.UNATTENDED, "1")
    return panel.show(FakeLive, knobs, **more)


def test_unattended_it_leaves_a_figure_of_two_settings_within_four_seconds(monkeypatch):
    begin = time.monotonic()
    figure = scripted(monkeypatch)
    assert time.monotonic() - begin < 4
    assert isinstance(figure, charts.Chart)
    assert FakeLive.alive == 0 and len(FakeLive.made) == 1
    assert changes() == [({}, {"acks", "retries"})]
    assert str(figure).startswith("<Chart: acks=0: 700/s, p99 1.5")
    assert "acks=all: 700/s, p99 " in str(figure)


def test_the_turn_is_of_the_first_knob(monkeypatch):
    figure = scripted(monkeypatch, {"linger_ms": (0, 100)}, title="Waiting costs latency")
    assert changes() == [({"linger_ms": 100}, set())]
    assert str(figure) == "<Chart: Waiting costs latency>"


def test_an_error_in_the_turn_is_raised_and_nothing_is_left(monkeypatch):
    monkeypatch.setattr(
        FakeLive, "change", lambda self, **_: self.errors.append("produce: KeyError: 'id'")
    )
    with pytest.raises(CourseError, match="produce: KeyError: 'id'"):
        scripted(monkeypatch)
    assert FakeLive.alive == 0 and live().stopped == 1


def test_a_change_that_does_not_come_is_told_and_no_figure_claims_it(monkeypatch):
    monkeypatch.setattr(panel, "PART", 0.1)
    monkeypatch.setattr(panel, "PATIENCE", 0.5)
    monkeypatch.setattr(FakeLive, "change", lambda self, **_: None)
    with pytest.raises(NotInTime, match="acks=all is at work"):
        scripted(monkeypatch)
    assert FakeLive.alive == 0


def test_attended_it_is_a_panel_at_once():
    assert isinstance(panel.show(FakeLive, KNOBS), Panel)
    assert FakeLive.made == []


CELL = (
    f"import sys\nsys.path.append({str(places.ROOT / 'tests')!r})\n"
    "from helpers.learn import panel\nfrom live_fake import FakeLive\n"
    f"panel.show(FakeLive, {KNOBS!r}, faults=True)"
)


def test_a_notebook_that_runs_unattended_is_left_with_a_figure_and_no_widget():
    book = new_notebook(cells=[new_code_cell(CELL)])
    notebooks.client(book).execute()
    [output] = book.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert output.data["text/plain"].startswith("<Chart: acks=0")


def test_nbval_runs_it_unattended(monkeypatch):
    asked = []
    monkeypatch.setattr(
        notebooks.subprocess,
        "run",
        lambda *_, env, **more: asked.append(env) or SimpleNamespace(returncode=0),
    )
    assert notebooks.test([]) == 0
    assert asked[0][places.UNATTENDED] == "1"

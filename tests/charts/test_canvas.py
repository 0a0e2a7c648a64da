"""What all figures share: colours, small pictures, and one picture in a notebook."""

import nbformat
import numpy as np
import pytest
from matplotlib.colors import to_hex
from nbclient import NotebookClient

from helpers import charts
from helpers.charts import canvas

from figures import ACKS, LONG, TITLE, drawn, series


def test_a_variant_has_one_colour_everywhere():
    colours = [colour.lower() for colour in charts.palette(ACKS).values()]
    assert len(set(colours)) == 3
    for name in ("throughput", "scorecard"):
        bars = drawn(name).axes[0].patches
        assert [to_hex(bar.get_facecolor()) for bar in bars] == colours
    for name in ("lag", "in_flight", "latency_over_time"):
        lines = [line for line in drawn(name).axes[0].lines if len(line.get_xdata()) > 1]
        assert list(dict.fromkeys(to_hex(line.get_color()) for line in lines))[:3] == colours


def test_eight_variants_have_eight_colours_and_more_of_them_another_line_too():
    assert len(set(charts.palette(LONG).values())) == len(LONG) == 8
    assert charts.palette(range(9))["8"] == charts.palette(range(9))["0"]
    assert canvas.line(8) != canvas.line(0) and canvas.marker(8) != canvas.marker(0)


@pytest.mark.parametrize(
    "value, text",
    [
        (11_559, "11,559"),
        (1.7321, "1.73"),
        (119.6, "120"),
        (0, "0"),
        (2.5e9, "2.50e+09"),
        (float("nan"), "–"),
    ],
)
def test_a_number_is_written_with_three_digits_at_least(value, text):
    assert charts.number(value) == text


def test_many_messages_still_make_a_small_picture():
    random = np.random.default_rng(1)
    frame = series("latency_ms", seconds=np.arange(0, 30, 0.003))
    frame["latency_ms"] = random.lognormal(0, 1, len(frame))
    assert len(charts.latency_over_time(frame, title=TITLE).png()) < 60_000


def test_a_notebook_shows_exactly_one_picture():
    figure = (
        "import pandas as pd\nfrom helpers import charts\n"
        "frame = pd.DataFrame({'variant': ['a', 'b'], 'messages_per_s': [1, 2]})\n"
        "charts.throughput(frame, title='b is twice as fast')"
    )
    before = ["", "import matplotlib.pyplot as plt", "%matplotlib inline"]
    cells = [nbformat.v4.new_code_cell(code) for line in before for code in (line, figure)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    for line, cell in zip(before, notebook.cells[1::2]):
        [output] = cell.outputs
        assert output.output_type == "execute_result", line
        assert output.data == {
            "image/png": output.data["image/png"],
            "text/plain": "<Chart: b is twice as fast>",
        }

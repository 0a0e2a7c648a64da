"""What the notebooks import: it watches, draws and runs the cluster.

The Kafka code stands in the notebooks.

The rooms, from the top. Each may import those below it and none above (.ci/imports.ini holds them
to it):

    notebooks   commands: open, test and run the notebooks
    lesson      one run of a notebook: its topics and groups, claims, scorecard, clean-up
    learn       what the learner does: predictions, exercises and their checks, the panel
    experiment  a lesson's programs: measured variant by variant, broken, and turned live
    charts      the figures: data frames go in, a picture comes out
    meters      a paced load, and what is recorded of a run: latency, lag, ownership, the ledger
    workers     functions of a notebook in processes of their own
    cluster     Kafka and PostgreSQL: started, asked and disturbed, as containers or as processes
    clients     all that touches the inside of kafka-python
    flights     the events
    base        errors, places, waiting, and how a widget is shown

install stands apart: it makes .venv, on a Python that has none of this yet.
"""

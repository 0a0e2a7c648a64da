"""What all other rooms stand on: the course's errors, where things are, how to wait, and
how a widget is shown.

Imports nothing of the course. `errors`, `places` and `venv` run on bare Python, for install.py, and
`waiting` and `widgets` need no package either.
"""

"""What all other rooms stand on: the course's errors, where things are, and how to wait.

Imports nothing of the course. `errors`, `places` and `venv` run on bare Python, for install.py, and
`waiting` needs no package either.
"""

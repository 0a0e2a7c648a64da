"""Serves the page until the process is ended: BOOTSTRAP_SERVERS PORT CLUSTER_NAME."""

import sys

from ... import clients
from .server import serve

if __name__ == "__main__":
    # Now, not with the first look: .venv may be made anew while this process runs.
    clients.load_questions()
    serve(sys.argv[1].split(","), int(sys.argv[2]), sys.argv[3])

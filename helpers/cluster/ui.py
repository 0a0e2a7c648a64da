"""The web page of the process runner: kaskade, a Kafka browser for terminals, on the web.

Run as: python -m helpers.cluster.ui BOOTSTRAP_SERVERS PORT CLUSTER_NAME
"""

import shlex
import subprocess
import sys


def serve(bootstrap_servers: str, port: int, cluster_name: str) -> None:
    """Serves the page on this machine until the process is ended."""
    from textual_serve.server import Server

    command = [
        sys.executable,
        "-m",
        "kaskade.main",
        "admin",
        "--bootstrap-servers",
        bootstrap_servers,
    ]
    join = subprocess.list2cmdline if sys.platform == "win32" else shlex.join
    Server(
        join(command), host="localhost", port=port, title=f"Kafka: cluster '{cluster_name}'"
    ).serve()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), sys.argv[3])

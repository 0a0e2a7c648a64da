"""What learners do to a notebook: run it twice, interrupt it, restart the cluster under it. Run by
make robustness-test.

Everything happens in one kernel, as in JupyterLab.
"""

import contextlib
import signal
import threading
import time

import nbformat
import psutil
import pytest
from kafka import KafkaAdminClient
from nbclient.exceptions import CellExecutionError

from helpers import notebooks
from helpers.cluster import Cluster, commands, connect

KAFKA_THREADS = (
    "[thread.name for thread in __import__('threading').enumerate()"
    " if thread.name.startswith(('kafka-', 'lag-'))]"
)


class Session:
    """A notebook in its kernel."""

    def __init__(self, path, client):
        self.notebook, self.client = nbformat.read(path, as_version=4), client
        client.nb = self.notebook
        self.code = [
            (index, cell)
            for index, cell in enumerate(self.notebook.cells)
            if cell.cell_type == "code"
        ]

    @property
    def kernel(self) -> psutil.Process:
        return psutil.Process(self.client.km.provisioner.process.pid)

    @property
    def cells_before_the_fault(self) -> int:
        """How many code cells stand above the heading "Break it"."""
        heading = next(
            index
            for index, cell in enumerate(self.notebook.cells)
            if cell.source.startswith("## Break it")
        )
        return sum(index < heading for index, _ in self.code)

    def run_all(self) -> dict[str, float]:
        """Runs all cells; seconds per cell."""
        return {cell.id: self.run(index, cell) for index, cell in self.code}

    def run(self, index, cell) -> float:
        begin = time.monotonic()
        self.client.execute_cell(cell, index)
        return time.monotonic() - begin

    def interrupt_at(self, cell_id: str, after: float) -> None:
        """Runs from the top, and presses the stop button `after` seconds into a cell."""
        for index, cell in self.code:
            if cell.id != cell_id:
                self.run(index, cell)
                continue
            done = threading.Event()
            person = threading.Thread(target=self.press_stop, args=(after, done))
            person.start()
            try:
                with pytest.raises(CellExecutionError, match="KeyboardInterrupt"):
                    self.run(index, cell)
            finally:
                done.set()
                person.join()
            return

    def press_stop(self, after: float, done: threading.Event) -> None:
        """Presses the stop button, and again after 3 s: Python drops an interrupt that comes while
        a destructor runs.
        """
        wait = after
        while not done.wait(wait):
            self.kernel.send_signal(signal.SIGINT)
            wait = 3

    def evaluate(self, expression: str) -> str:
        """What an expression is worth in the kernel."""
        cell = nbformat.v4.new_code_cell(expression)
        self.notebook.cells.append(cell)
        self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        self.notebook.cells.pop()
        return cell.outputs[0].data["text/plain"]


@contextlib.contextmanager
def session(path):
    client = notebooks.client(nbformat.v4.new_notebook(), timeout=120)
    with client.setup_kernel():
        yield Session(path, client)


def left_behind(number: str) -> list[str]:
    """Topics and groups of a lesson that are still in the cluster."""
    with KafkaAdminClient(bootstrap_servers=connect().bootstrap_servers) as admin:
        names = admin.list_topics() + [group["group_id"] for group in admin.list_groups()]
    return [name for name in names if name.startswith(f"lesson-{number}-")]


def children_besides_the_cluster(kernel: psutil.Process, cluster: Cluster) -> list[psutil.Process]:
    """What still runs of a kernel's processes.

    Services that a lesson started again are its children, too, and outlive it. The server from
    which workers come stays, with a helper of its own, as long as the kernel; workers are the
    server's children.
    """
    services = [child.process() for child in cluster.runner.children.values()]
    alive = [
        child for child in kernel.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE
    ]
    servers = [
        child
        for child in alive
        if child.ppid() == kernel.pid and "from multiprocessing." in " ".join(child.cmdline())
    ]
    return [
        child
        for child in alive
        if child not in servers
        and not any(process in services for process in [child, *child.parents()])
    ]


@pytest.mark.parametrize("path", notebooks.all_notebooks(), ids=lambda path: path.stem)
def test_a_learners_day(path):
    with session(path) as lesson:
        seconds = lesson.run_all()
        ids = list(seconds)
        fault = lesson.cells_before_the_fault
        # The longest experiment, and the longest cell of the fault: the places at which people lose
        # patience.
        for part in (ids[:fault], ids[fault:]):
            longest = max(part, key=seconds.get)
            lesson.interrupt_at(longest, after=max(0.5, seconds[longest] / 4))
        cluster = Cluster()
        for service in cluster.brokers_by_id.values():
            cluster.runner.kill(service.name)
        commands.up(cluster)
        lesson.run_all()
        assert lesson.evaluate(KAFKA_THREADS) == "[]"
        assert children_besides_the_cluster(lesson.kernel, cluster) == []
    assert left_behind(path.stem[:2]) == []
    assert connect().brokers() == [1, 2, 3]

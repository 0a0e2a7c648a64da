"""A notebook's cells work with the brokers in turns with those of other notebooks."""

import ast

from IPython import get_ipython
from IPython.core.error import InputRejected

from ..base.errors import StillAtWork
from ..cluster import turns

RUNS = "one of its cells runs"


class _Turn(ast.NodeTransformer):
    """IPython hands it each cell before it runs that, and leaves a cell out that it rejects."""

    def visit(self, node: ast.AST) -> ast.AST:
        try:
            turns.take(RUNS)
        except StillAtWork as error:
            raise InputRejected(str(error)) from None
        except KeyboardInterrupt:
            raise InputRejected("Interrupted while it waited for its turn") from None
        return node


def one_at_a_time() -> None:
    """From this cell on, each waits until no other notebook works with the brokers.

    Does nothing outside a notebook.
    """
    shell = get_ipython()
    if shell is None:
        return
    turns.take(RUNS)
    if not any(isinstance(each, _Turn) for each in shell.ast_transformers):
        shell.ast_transformers.append(_Turn())
        shell.events.register("post_execute", lambda: turns.give_back(RUNS))

"""The style of code, tests and notebooks, where ruff has no rule for it: make lint."""

import ast
import io
import re
import subprocess
import symtable
import sys
import tokenize
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.base import places

RUFF = places.ROOT / ".ci" / "ruff.toml"
SETTINGS = tomllib.loads(RUFF.read_text(encoding="utf-8"))
COLUMNS = SETTINGS["line-length"]
CELL_LINES = 20
MEAN_LINES = 9
# What half an hour is enough for; lessons 12 and 15 have more to say.
LENGTHS = {"words": 1_500, "lines of code": 200, "figures": 6}
LONGER = {"words": 1_800, "lines of code": 280, "figures": 6}
FIGURE = re.compile(r"^(charts\.(?!palette)\w+|course\.(scorecard|panel))\(", re.MULTILINE)

# What says a value and does something only on the way.
VALUES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Tuple, ast.IfExp)


def name(path: Path) -> str:
    return path.relative_to(places.ROOT).as_posix()


PROGRAMS = sorted(
    path for room in ("helpers", "tests") for path in (places.ROOT / room).rglob("*.py")
)
NOTEBOOKS = sorted(places.NOTEBOOKS.glob("*.ipynb"))


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# ----------------------------------------------------------------------------------- the statements


def run_for_effect(source: str, *, shown: bool) -> list[str]:
    """The statements that are a comprehension, a tuple or an if-else expression.

    Nobody gets their value, so they stand for a loop, for several statements or for an if. With
    `shown` the source is a cell, whose last value the notebook shows, unless a ; ends it.
    """
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body and shown and not ends_in_semicolon(source) else None
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, VALUES) and node is not last
    ]


def ends_in_semicolon(source: str) -> bool:
    """As IPython sees it: a comment may follow."""
    empty = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER)
    tokens = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in empty
    ]
    return tokens[-1:] == [";"]


@pytest.mark.parametrize("path", PROGRAMS, ids=name)
def test_a_program_runs_no_value_for_its_effect(path):
    assert run_for_effect(path.read_text(encoding="utf-8"), shown=False) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_runs_no_value_for_its_effect(path):
    found = {cell.id: run_for_effect(cell.source, shown=True) for cell in code_cells(read(path))}
    assert {cell: lines for cell, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "statement",
    [
        "[send(n) for n in numbers]",
        "{send(n) for n in numbers}",
        "{n: send(n) for n in numbers}",
        "(send(n) for n in numbers)",
        "flush(), close()",
        "flush() if full else close()",
    ],
)
def test_a_value_that_is_run_for_its_effect_is_found(statement):
    assert len(run_for_effect(statement, shown=False)) == 1
    assert len(run_for_effect(f"def work():\n    {statement}\n", shown=False)) == 1
    assert len(run_for_effect(f"{statement}\nflush()", shown=True)) == 1
    assert len(run_for_effect(f"def work():\n    {statement}\n", shown=True)) == 1
    assert len(run_for_effect(f"{statement};  # not shown", shown=True)) == 1
    assert run_for_effect(f"flush()\n{statement}", shown=True) == []
    assert run_for_effect(f"{statement}  # shown;", shown=True) == []


@pytest.mark.parametrize(
    "source", ["", "# nothing", "flush()", "a, b = 1, 2", "x = [n for n in y]", "return_(1, 2);"]
)
def test_other_statements_pass(source):
    assert run_for_effect(source, shown=False) == run_for_effect(source, shown=True) == []


# ------------------------------------------------------------------------------------ the notebooks


def lengths(notebook: NotebookNode) -> dict[str, int]:
    """How long a notebook is, in what it asks of its reader."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    words = [word for text in texts for word in text.split() if word.strip("|-#>*")]
    code = [cell.source for cell in code_cells(notebook)]
    return {
        "words": len(words),
        "lines of code": sum(len(source.splitlines()) for source in code),
        "figures": sum(len(FIGURE.findall(source)) for source in code),
    }


def minutes(notebook: NotebookNode) -> float:
    """How long it takes to read: 180 words a minute, 3 s a line of code, 20 s a figure."""
    long = lengths(notebook)
    return long["words"] / 180 + long["lines of code"] / 20 + long["figures"] / 3


def given_and_read(source: str) -> tuple[set[str], set[str]]:
    """The notebook's names to which a cell gives a value, and those whose value it reads."""
    table = symtable.symtable(source, "cell", "exec")
    names = table.get_symbols()
    given = {each.get_name() for each in names if each.is_assigned() or each.is_imported()}
    given |= {each.get_name() for each in names if each.is_namespace()}
    read = {each.get_name() for each in names if each.is_referenced()}
    inside = list(table.get_children())
    while inside:
        part = inside.pop()
        inside += part.get_children()
        read |= {each.get_name() for each in part.get_symbols() if each.is_global()}
    return given, read


def names_with_two_givers(notebook: NotebookNode) -> dict[str, list[str]]:
    """Names that a cell reads and two others give: what it gets hangs on the order of runs."""
    cells = {cell.id: given_and_read(cell.source) for cell in code_cells(notebook)}
    found = {}
    for name in sorted(set().union(*(given for given, _ in cells.values()))):
        givers = [cell for cell, (given, _) in cells.items() if name in given]
        readers = [cell for cell, (_, read) in cells.items() if name in read]
        if len(givers) > 1 and set(readers) - set(givers):
            found[name] = givers
    return found


def broken_rules(notebook: NotebookNode, number: int = 0) -> list[str]:
    """The rules for notebooks that this one does not keep, each with the cells that break it."""
    lines = {cell.id: cell.source.splitlines() for cell in code_cells(notebook)}
    wide = [cell for cell, own in lines.items() if any(len(line) > COLUMNS for line in own)]
    long = [cell for cell, own in lines.items() if len(own) > CELL_LINES]
    mean = sum(map(len, lines.values())) / max(len(lines), 1)
    found = []
    if wide:
        found.append(f"lines over {COLUMNS} characters in {', '.join(wide)}")
    if long:
        found.append(f"more than {CELL_LINES} lines in {', '.join(long)}")
    if mean > MEAN_LINES:
        found.append(f"{mean:.1f} lines a cell on average, more than {MEAN_LINES}")
    for twice, givers in names_with_two_givers(notebook).items():
        found.append(f"{' and '.join(givers)} both give {twice}, which others read")
    longest = LONGER if number in (12, 15) else LENGTHS
    for what, count in lengths(notebook).items():
        if count > longest[what]:
            found.append(f"{count:,} {what}, more than {longest[what]:,}")
    said = re.search(r"(\d+) minutes to read", notebook.cells[0].source if notebook.cells else "")
    if said and abs(int(said[1]) - minutes(notebook)) > 1:
        found.append(f"{minutes(notebook):.0f} minutes to read, not {said[1]}")
    if not is_formatted(notebook):
        found.append("not as ruff format would write it")
    return found


def is_formatted(notebook: NotebookNode) -> bool:
    result = subprocess.run(
        [
            *(sys.executable, "-m", "ruff", "format", "--no-cache", "--quiet", "--check"),
            *("--config", RUFF, "--stdin-filename", "any.ipynb", "-"),
        ],
        input=nbformat.writes(notebook),
        cwd=places.ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode in (0, 1), result.stderr
    return result.returncode == 0


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_a_notebook_keeps_the_rules(path):
    assert broken_rules(read(path), int(path.stem[:2])) == []


def made_of(*sources: str) -> NotebookNode:
    return new_notebook(cells=[new_markdown_cell("x" * 200), *map(new_code_cell, sources)])


@pytest.mark.parametrize(
    ("sources", "words"),
    [
        ([f'text = "{"x" * COLUMNS}"'], "characters"),
        (["x = 1\n" * (CELL_LINES + 1), *["x = 1"] * 5], "more than 20 lines"),
        (["x = 1\n" * 10, "x = 1\n" * 9], "9.5 lines a cell"),
        (["x = 'one'"], "ruff format"),
        (["x = dict(a=1,b=2)"], "ruff format"),
        (["x = 1", "for x in range(2):\n    pass", "def read():\n    return x"], "both give x"),
    ],
)
def test_a_notebook_that_breaks_a_rule_is_found(sources, words):
    (broken,) = broken_rules(made_of(*(source.rstrip() for source in sources)))
    assert words in broken


@pytest.mark.parametrize(
    ("text", "sources", "broken"),
    [
        ("word " * 1_501, [], "1,501 words, more than 1,500"),
        ("word | " * 1_500, [], None),
        ("", ["x = 1"] * 201, "201 lines of code, more than 200"),
        ("", ["charts.lag(x)"] * 4 + ["course.panel(x)"] * 3, "7 figures, more than 6"),
        ("", ["charts.palette(x)"] * 7, None),
        ("10 minutes to read " * 360, [], "8 minutes to read, not 10"),
        ("8 minutes to read " * 360, [], None),
    ],
)
def test_a_notebook_that_takes_too_long_is_found(text, sources, broken):
    cells = [new_markdown_cell(text), *map(new_code_cell, sources)]
    assert broken_rules(new_notebook(cells=cells)) == ([broken] if broken else [])


def test_the_longest_lessons_may_be_longer():
    notebook = new_notebook(cells=[new_markdown_cell("word " * 1_700)])
    assert broken_rules(notebook, 12) == [] != broken_rules(notebook, 11)


def test_a_notebook_at_the_limits_passes():
    widest = f'text = "{"x" * (COLUMNS - 9)}"'
    longest = "\n".join([widest] * CELL_LINES)
    assert len(widest) == COLUMNS
    assert broken_rules(made_of(longest, *["x = 1"] * 2)) == []
    assert broken_rules(made_of(*["\n".join(["x = 1"] * MEAN_LINES)] * 3)) == []

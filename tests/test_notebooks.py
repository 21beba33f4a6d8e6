"""The notebooks run from top to bottom, on small settings."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
SMALL = "\nreplications, table_replications, jobs = 2, 2, 1\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)
def test_notebook_runs_and_shows_something_in_every_code_cell(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "commit notebooks without outputs"
    (parameters,) = (c for c in book.cells if "parameters" in c.metadata.get("tags", []))
    parameters.source += SMALL
    NotebookClient(book, timeout=300, resources={"metadata": {"path": str(path.parent)}}).execute()
    silent = [
        c for c in book.cells if c.cell_type == "code" and c is not parameters and not c.outputs
    ]
    assert not silent, f"no output: {silent[0].source}"
    warned = [o for c in book.cells for o in c.get("outputs", []) if o.get("name") == "stderr"]
    assert not warned, warned[0]["text"]

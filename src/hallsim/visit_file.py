"""Every visit of a simulated month in one file, CSV or Parquet, written whole or not at all."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hallsim.counting import Told
from hallsim.draw import Crowd
from hallsim.outputs import growing
from hallsim.records import NEVER, OUTCOMES, Ints
from hallsim.scenario import Scenario
from hallsim.simulate import Keep
from hallsim.stations import stations

COLUMNS = (
    "replication", "day", "hall", "visit", "stage", "item", "class", "arrival", "outcome", "window", "ticket",
    "called", "finished",
)  # fmt: skip
"""`visit` numbers the visits of a replication.  Times are seconds after midnight; a cell
is empty where something did not happen."""


@contextlib.contextmanager
def visit_file(
    path: Path, scenario: Scenario, dates: tuple[Any, ...], force: bool = False
) -> Iterator[Keep]:
    """A function for `simulate_month(keep=...)` that writes each visit as a row.

    Rows are by replication, day, hall and ticket.  The file gets its name when all is written;
    nothing is left of it after an error.

    Args:
        path: `.csv`, or `.parquet` (`.pq`) where pyarrow is installed.
        scenario: its halls, items and classes give the names.
        dates: the days of the month.
        force: replace a file that is there; it is kept in `previous/`.

    Raises:
        ValueError: another kind of file, or Parquet without pyarrow.
        OutputExists, OutputLocked: the file cannot be written; it is as before.
    """
    kind = kind_of(path)
    names = _Names(scenario, dates)
    with growing(path, force) as place:
        if kind == ".csv":
            with place.open("w", encoding="utf-8-sig", newline="") as text:
                text.write(",".join(COLUMNS) + "\n")
                yield lambda replication, _, crowd, visits: names.frame(
                    replication, crowd, visits
                ).to_csv(text, index=False, header=False, lineterminator="\n")
        else:
            with _Parquet(place) as table:
                yield lambda replication, _, crowd, visits: table.write(
                    names.frame(replication, crowd, visits)
                )


def kind_of(path: Path) -> str:
    """`.csv` or `.parquet`.

    Raises:
        ValueError: another kind of file, or Parquet without pyarrow.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        return kind
    if kind not in (".parquet", ".pq"):
        raise ValueError(f"{path}: the name of a file of visits ends in .csv or .parquet")
    if not importlib.util.find_spec("pyarrow"):
        raise ValueError(f"{path}: Parquet needs pyarrow; install it or choose a name in .csv")
    return ".parquet"


class _Names:
    """Codes of engines to names of the scenario."""

    def __init__(self, scenario: Scenario, dates: tuple[Any, ...]) -> None:
        self._halls = [h.hall for h in scenario.halls]
        self._hall_of = np.array([s.hall for s in stations(scenario)], np.int64)
        self._days = [d.isoformat() for d in dates]
        self._items = [i.item for i in scenario.items]
        self._classes = list(scenario.classes)

    def frame(self, replication: int, crowd: Crowd, visits: Told) -> pd.DataFrame:
        """The rows of one replication."""
        unit = np.repeat(np.arange(len(crowd.first)), crowd.last - crowd.first)
        outcome, window, ticket, called, finished = visits
        stage = crowd.stage if len(crowd.stage) else np.ones(len(unit), np.int64)
        named = (
            ("day", unit // len(self._hall_of), self._days),
            ("hall", self._hall_of[unit % len(self._hall_of)], self._halls),
            ("item", crowd.item, self._items),
            ("class", crowd.kind, self._classes),
            ("outcome", outcome, OUTCOMES),
        )
        numbers = {"window": window, "ticket": ticket, "called": called, "finished": finished}
        columns: dict[str, Any] = {
            "replication": np.full(len(unit), replication),
            "visit": np.cumsum(stage == 1),
            "stage": stage,
            "arrival": crowd.arrival,
            **{name: _named(code, of) for name, code, of in named},
            **{k: pd.Series(v, dtype="Int64").mask(v == NEVER) for k, v in numbers.items()},
        }
        return pd.DataFrame({name: columns[name] for name in COLUMNS})


def _named(code: Ints, names: Sequence[str]) -> pd.Categorical[str]:
    return pd.Categorical.from_codes(code.tolist(), pd.Index(names))


class _Parquet:
    """A Parquet file with a group of rows per replication."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def write(self, frame: pd.DataFrame) -> None:
        """Append the rows of one replication."""
        import pyarrow
        import pyarrow.parquet

        table = pyarrow.Table.from_pandas(frame, preserve_index=False)
        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(self._path, table.schema)
        self._writer.write_table(table)

    def __enter__(self) -> _Parquet:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

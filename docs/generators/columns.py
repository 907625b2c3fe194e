"""The page of the columns: what each column of each file of a release means."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from generators.attributes import cell
from generators.everything import releases
from tallybook.release.dictionary import dictionary
from tallybook.release.meanings import file_meaning


def columns_of_files() -> str:
    """Return a section for each table of a release, its CSV and its Parquet file together."""
    meanings = all_columns().with_columns(stem=pl.col("file").str.replace(r"\.\w+$", ""))
    sections = meanings.group_by("stem", maintain_order=True)
    return "\n\n".join(_section(rows.drop("stem")) for _, rows in sections)


@cache
def all_columns() -> pl.DataFrame:
    """Return the dictionaries of two releases with a file of every kind; files that have some days only left out."""
    with TemporaryDirectory() as folder:
        said = pl.concat(dictionary(release) for release in releases(Path(folder)))
    parts = pl.col("file").str.contains(r"-(\d{4}|recent)[^/]*$")
    return said.filter(~parts).unique(["file", "column"], keep="first", maintain_order=True)


def _section(rows: pl.DataFrame) -> str:
    files = rows["file"].unique(maintain_order=True).sort().to_list()
    says = file_meaning(files[0]).partition(";")[0]
    only = pl.when(pl.col("file").n_unique().over("column") < len(files)).then("file").otherwise(pl.lit(""))
    columns = rows.with_columns(only=only).sort("file", maintain_order=True).unique("column", maintain_order=True)
    lines = ["| column | type | unit | what it is | a blank says |", "|---|---|---|---|---|"]
    for row in columns.iter_rows(named=True):
        where = " (Parquet only)" if row["only"].endswith(".parquet") else ""
        words = (row["type"], row["unit"], row["meaning"] + where, row["missing"])
        lines.append(f"| `{row['column']}` | {' | '.join(cell(text or '') for text in words)} |")
    named = ", ".join(f"`{file}`" for file in files)
    return "\n\n".join([f"## {named}", f"{says}.", "\n".join(lines)])

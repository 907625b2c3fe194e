"""The page of the Python API: every public name, from its docstring."""

from typing import Final

GROUPS: Final = {
    "Books": [
        "tallybook.Book",
        "tallybook.release.write.Release",
        "tallybook.release.write.ReleaseFile",
        "tallybook.ledger.writer.Recorded",
        "tallybook.book.releasing.Published",
        "tallybook.book.rebuilding.Rebuilt",
        "tallybook.model.checksums.Damage",
    ],
    "What an average is made of": [
        f"tallybook.measures.explain.{name}" for name in ("Explanation", "Day", "Role", "Part", "Origin")
    ],
    "Releases": ["tallybook.read", "tallybook.release.reading.PublishedRelease"],
    "Measures": [
        "tallybook.daily",
        "tallybook.rolling_average",
        "tallybook.per_100k",
        "tallybook.day_of_outbreak",
        "tallybook.excess_deaths",
    ],
    "Charts": [
        "tallybook.charts.compare.compare",
        "tallybook.charts.bubbles.bubbles",
        "tallybook.charts.place.place",
        "tallybook.charts.revisions.revisions",
        "tallybook.charts.excess.excess",
        "tallybook.charts.map.tiles",
        "tallybook.charts.map.counties",
        "tallybook.charts.picture.Words",
        "tallybook.charts.picture.source_line",
    ],
    "The register of anomalies": [
        "tallybook.read_anomalies",
        "tallybook.anomalies.write_anomalies",
        "tallybook.anomalies.suggest_anomalies",
    ],
    "Places and metrics": [
        "tallybook.gazetteer",
        "tallybook.Gazetteer",
        "tallybook.Place",
        "tallybook.Level",
        "tallybook.Metric",
    ],
    "The ledger": [
        "tallybook.Ledger",
        *(f"tallybook.model.reports.{name}" for name in ("Reports", "Coverage", "Status")),
    ],
    "Sources": [
        "tallybook.sources.catalogue.Catalogue",
        "tallybook.sources.cards.Source",
        "tallybook.sources.notes.Note",
    ],
    "Past versions": [
        "tallybook.book.recording.Vintages",
        "tallybook.sources.vintages.FolderHistory",
        "tallybook.sources.vintages.GitHistory",
    ],
    "A simulated outbreak": ["tallybook.simulate", "tallybook.Outbreak"],
    "Errors": [
        f"tallybook.{name}"
        for name in (
            "TallybookError",
            "errors.BookError",
            "errors.ContractError",
            "errors.DataRefusedError",
            "errors.LedgerError",
            "errors.SourceError",
            "errors.UnknownPlaceError",
        )
    ],
}
"""What is public, by what it is for."""


def names() -> str:
    """Return a section for each group, its names documented by Sphinx."""
    return "\n\n".join(f"## {group}\n\n{_documented(members)}" for group, members in GROUPS.items())


def _documented(members: list[str]) -> str:
    lines = [f".. auto{_kind(name)}:: {name}" for name in members]
    return "\n".join(["````{eval-rst}", *(f"{line}\n" for line in lines), "````"])


def _kind(name: str) -> str:
    """Return what Sphinx calls it: names of classes begin with a capital."""
    last = name.rpartition(".")[2]
    return "exception" if last.endswith("Error") else "class" if last[0].isupper() else "function"

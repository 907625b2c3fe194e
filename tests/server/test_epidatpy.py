"""Delphi's own client on a book of ours: what it gets equals the release, cell by cell, now and at any past issue."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

import httpx
import pandas as pd
import polars as pl
import pytest
import requests
from epidatpy import CovidcastEpidata, EmptyResultWarning, EpiDataContext, EpiRange, InvalidArgumentException
from epidatpy.request import EpiDataCall

from tallybook import Book

# The client says with every call that V4 is to end, and that it has no key.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

COLUMNS = {"cases_incidence": "cases", "cases_avg": "cases_avg", "deaths_avg_per_100k": "deaths_avg_per_100k"}


def context(address: str) -> EpiDataContext:
    return EpiDataContext(base_url=f"{address}/epidata/", cast_base_url=f"{address}/epidata/v5/")


def covidcast(address: str, signals: str | Sequence[str], **asked: Any) -> EpiDataCall:
    asked = {"geo_type": "state", "time_type": "day", "geo_values": "*", "time_values": "*"} | asked
    return context(address).pub_covidcast("nyt", signals, **asked)


def told(frame: pd.DataFrame) -> pl.DataFrame:
    """Return what the client says as geo_value, date, issue, value; sorted."""
    return pl.DataFrame(
        {
            "geo_value": frame["geo_value"].to_list(),
            "date": frame["time_value"].dt.date.to_list(),
            "issue": frame["issue"].dt.date.to_list(),
            "value": frame["value"].astype(object).where(frame["value"].notna(), None).to_list(),
        },
        schema={"geo_value": pl.String, "date": pl.Date, "issue": pl.Date, "value": pl.Float64},
    ).sort("geo_value", "date", "issue")


def published(book: Book, signal: str, as_of: dt.datetime | None = None) -> pl.DataFrame:
    """Return what a release of that moment says of a signal: geo_value, date, value; sorted."""
    if signal.endswith("_cumulative"):
        column, frame = signal.removesuffix("_cumulative"), book.totals("state", as_of=as_of)
    else:
        column, frame = COLUMNS[signal], book.averages("state", as_of=as_of)
    codes = book.places.frame.select("geoid", geo_value=pl.col("abbreviation").str.to_lowercase())
    named = frame.join(codes, on="geoid").select("geo_value", "date", pl.col(column).cast(pl.Float64).alias("value"))
    return named.sort("geo_value", "date")


@pytest.mark.parametrize("signal", ["cases_cumulative", *COLUMNS])
def test_every_cell_of_the_state_record_equals_the_release(real: str, real_book: Book, signal: str) -> None:
    got = told(covidcast(real, signal).df())
    assert got.drop("issue").equals(published(real_book, signal))
    stem = "us-states" if signal.endswith("_cumulative") else "rolling-averages/us-states"
    file = pl.read_parquet(real_book.folder / f"public/{stem}.parquet")
    assert got.height == file.height
    column = signal.removesuffix("_cumulative") if signal.endswith("_cumulative") else COLUMNS[signal]
    assert got["value"].sort().equals(file[column].cast(pl.Float64).sort().alias("value"))


def test_every_figure_of_v5_equals_the_release(real: str, real_book: Book) -> None:
    got = context(real).epidata_snapshot("nyt", ["cases_avg", "cases_cumulative"], "state").df()
    for signal in ("cases_avg", "cases_cumulative"):
        rows = got[got["signal"] == signal]
        frame = pl.DataFrame(
            {
                "geo_value": rows["geo_value"].to_list(),
                "date": rows["reference_time"].dt.date.to_list(),
                "value": rows["value"].astype(object).where(rows["value"].notna(), None).to_list(),
            },
            schema={"geo_value": pl.String, "date": pl.Date, "value": pl.Float64},
        ).sort("geo_value", "date")
        assert frame.equals(published(real_book, signal))
    assert set(got["fill_method"]) == {"source"}


@pytest.mark.parametrize("signal", ["cases_cumulative", *COLUMNS])
@pytest.mark.parametrize("day", ["2020-05-01", "2020-12-25", "2021-03-05"])
def test_as_of_is_the_release_of_that_day(past: str, vintages: Book, signal: str, day: str) -> None:
    end = dt.datetime.fromisoformat(f"{day}T23:59:59-05:00")
    got = told(covidcast(past, signal, as_of=day.replace("-", "")).df())
    assert got.drop("issue").equals(published(vintages, signal, end))
    assert (got["issue"] <= dt.date.fromisoformat(day)).all()


@pytest.mark.parametrize("signal", ["cases_cumulative", "cases_avg"])
def test_the_issues_are_the_moments_of_the_ledger_and_say_what_changed(past: str, vintages: Book, signal: str) -> None:
    moments = vintages.ledger.records()["as_of"].sort()
    days = [moment.astimezone(dt.timezone(dt.timedelta(hours=-5))).date() for moment in moments]
    every = told(covidcast(past, signal, issues=EpiRange("20200101", "20211231")).df())
    assert every["issue"].unique().sort().to_list() == days
    for number, day in [(3, days[3]), (20, days[20])]:
        now = published(vintages, signal, moments[number])
        before = published(vintages, signal, moments[number - 1])
        changed = now.join(before, on=["geo_value", "date", "value"], how="anti", nulls_equal=True)
        told_then = every.filter(issue=day).drop("issue")
        gone = before.join(now, on=["geo_value", "date"], how="anti").select("geo_value", "date")
        deleted = told_then.filter(pl.col("value").is_null()).select("geo_value", "date")
        assert gone.equals(deleted)
        issued = told_then.join(deleted, on=["geo_value", "date"], how="anti")
        assert changed.height > 0
        # Nothing that changed is missing, and nothing is said that the release of then did not say.
        assert changed.join(issued, on=issued.columns, how="anti", nulls_equal=True).is_empty()
        assert issued.join(now, on=issued.columns, how="anti", nulls_equal=True).is_empty()
        if signal == "cases_cumulative":
            assert issued.height == changed.height
    # What was known on a day is the greatest issue of each key by then.
    known = every.filter(pl.col("issue") <= days[20]).sort("issue").group_by("geo_value", "date").last().drop_nulls()
    as_of = told(covidcast(past, signal, as_of=f"{days[20]:%Y%m%d}").df())
    assert known.select(as_of.columns).sort("geo_value", "date").equals(as_of)


def test_lag_is_exact(past: str) -> None:
    every = told(covidcast(past, "cases_avg", geo_values="wa", issues="*").df())
    lagged = told(covidcast(past, "cases_avg", geo_values="wa", lag=4).df())
    assert lagged.equals(every.filter((pl.col("issue") - pl.col("date")).dt.total_days() == 4))
    assert lagged.height > 0


def test_a_row_is_what_the_protocol_says(real: str) -> None:
    said = covidcast(
        real, "deaths_cumulative", geo_values="pr,wa", time_values=EpiRange("20210101", "20210102")
    ).classic(disable_type_parsing=True)
    assert (said["result"], said["message"]) == (1, "success")
    rows = said["epidata"]
    assert [(row["time_value"], row["geo_value"]) for row in rows] == [
        (20210101, "pr"), (20210101, "wa"), (20210102, "pr"), (20210102, "wa"),
    ]  # fmt: skip
    assert list(rows[0]) == [
        "geo_value", "signal", "source", "geo_type", "time_type", "time_value", "direction", "issue", "lag",
        "missing_value", "missing_stderr", "missing_sample_size", "value", "stderr", "sample_size",
    ]  # fmt: skip
    assert rows[0]["lag"] == (dt.datetime.strptime(str(rows[0]["issue"]), "%Y%m%d").date() - dt.date(2021, 1, 1)).days
    assert (rows[0]["missing_value"], rows[0]["missing_stderr"], rows[0]["stderr"]) == (0, 1, None)
    parsed = covidcast(real, "deaths_cumulative", geo_values="wa", time_values="20210101").classic()
    assert cast("list[dict[str, Any]]", parsed["epidata"])[0]["time_value"] == dt.date(2021, 1, 1)


def test_wildcards_lists_and_nations(real: str) -> None:
    signals = covidcast(real, "*", geo_type="nation", time_values="20210101").df()
    assert len(signals) == 8
    assert set(signals["geo_value"]) == {"us"}
    assert set(
        covidcast(real, ["cases_avg", "deaths_avg"], geo_values=["wa", "or"], time_values="20210101").df()["geo_value"]
    ) == {"or", "wa"}
    assert len(covidcast(real, "cases_avg", time_values="20210101").df()) == 55
    shown = covidcast(real, "cases_avg", geo_values="wa", time_values="2021-01-01:2021-01-03").df(
        fields=["value", "time_value"]
    )
    assert [*shown.columns] == ["time_value", "value"]
    composed = httpx.get(
        f"{real}/epidata/covidcast",
        params={
            "signal": "nyt:cases_avg,deaths_avg",
            "time": "day:20210101,20210105-20210106",
            "geo": "state:wa;nation:*",
        },
    ).json()
    assert [row["signal"] for row in composed["epidata"]].count("cases_avg") == 6
    assert len(composed["epidata"]) == 12


def test_wrong_places_and_signals_say_so(real: str) -> None:
    wrong = covidcast(real, "cases_avg", geo_values="zz").classic()
    assert wrong == {"epidata": [], "result": -1, "message": "Invalid geo_value(s) zz for the requested geo_type state"}
    assert covidcast(real, "cases_avg", geo_values="zz").df().empty
    assert covidcast(real, "nonsense").classic()["message"].startswith("no signal 'nonsense' of nyt; there are: cases_")
    assert covidcast(real, "cases_avg", time_values="18000101").classic()["result"] == -2
    assert covidcast(real, "cases_avg", as_of="99990101").classic()["message"].startswith("9999-01-01 is in the future")
    assert covidcast(real, "cases_avg", time_type="week", time_values="202101").classic()["result"] == -2
    strict = httpx.get(f"{real}/epidata/covidcast/?signal=nyt:cases_avg&geo=state:zz&time=day:*&format=csv")
    assert (strict.status_code, strict.json()["result"]) == (400, -1)
    with pytest.raises(requests.HTTPError, match="no source 'other'"):
        context(real).epidata_snapshot("other", "cases_avg", "state").df()
    with pytest.raises(InvalidArgumentException, match=r"nonsense.*not available"):
        context(real).epidata_snapshot("nyt", "nonsense", "state").df()
    with pytest.raises(InvalidArgumentException, match=r"hhs.*not available"):
        context(real).epidata_snapshot("nyt", "cases_avg", "hhs").df()


def test_the_metadata_of_both_versions(real: str, real_book: Book) -> None:
    meta = context(real).pub_covidcast_meta().df()
    states = meta[(meta["signal"] == "cases_avg") & (meta["geo_type"] == "state")].iloc[0]
    averages = pl.read_parquet(real_book.folder / "public/rolling-averages/us-states.parquet")["cases_avg"]
    assert states["max_value"] == averages.max()
    assert states["mean_value"] == pytest.approx(averages.mean())
    assert (states["min_time"], states["num_locations"]) == (pd.Timestamp("2020-01-21"), 56)
    assert states["last_update"].date() == real_book.ledger.records()["as_of"].max().date()  # type: ignore[union-attr]
    some = context(real).pub_covidcast_meta(signals="nyt:cases_avg", geo_type="nation").df()
    assert some[["signal", "geo_type"]].to_numpy().tolist() == [["cases_avg", "nation"]]
    sources = CovidcastEpidata(base_url=f"{real}/epidata/")
    assert sources.source_names() == ["nyt"]
    signal = sources["nyt", "deaths_avg_per_100k"]
    assert (signal.format, signal.is_smoothed, sorted(signal.geo_types)) == ("per100k", True, ["nation", "state"])
    assert len(signal.call("state", "wa", EpiRange("20210101", "20210107")).df()) == 7
    v5 = context(real).epidata_meta("nyt")
    assert v5["geo_types"] == ["nation", "state"]
    assert v5["reference_time_range"] == {"first": "2020-01-21", "latest": "2023-03-23"}


def test_the_archive_of_v5_has_every_version(past: str, vintages: Book) -> None:
    archive = context(past).epidata_archive("nyt", "cases_cumulative", "state").df()
    assert len(archive) == vintages.ledger.values().filter(metric="cases").height
    assert archive["report_time"].nunique() == vintages.ledger.records().height
    until = context(past).epidata_archive("nyt", "cases_avg", "state", "wa", report_time="<=2020-05-01").df()
    snapshot = context(past).epidata_snapshot("nyt", "cases_avg", "state", "wa", snapshot_date="2020-05-01").df()
    latest = until.sort_values("report_time").groupby("reference_time").last().reset_index()
    assert latest["value"].tolist() == snapshot.sort_values("reference_time")["value"].tolist()
    some = context(past).epidata_archive(
        "nyt", "cases_avg", "state", "wa", report_time=EpiRange("2020-05-01", "2020-05-12")
    ).df()  # fmt: skip
    assert some["report_time"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2020-05-01", "2020-05-12"]
    with pytest.warns(EmptyResultWarning, match="No data returned"):
        context(past).epidata_archive("nyt", "cases_avg", "state", report_time="<2020-01-01").df()


def test_the_auxiliary_data_say_who_said_it_and_can_be_joined(past: str) -> None:
    snapshot = context(past).epidata_snapshot("nyt", "cases_cumulative", "state", "wa").df()
    joined = cast("pd.DataFrame", context(past).epidata_aux(snapshot))
    assert len(joined) == len(snapshot)
    assert set(joined["cases_status"]) == {"reported"}
    assert set(joined["cases_source"]) == {"nyt"}


def test_a_key_is_taken_and_a_long_query_posted_again(real: str) -> None:
    places = ",".join(f"{number:05}" for number in range(6000))
    form = {
        "data_source": "nyt",
        "signals": "cases_avg",
        "time_type": "day",
        "time_values": "20210101",
        "geo_type": "state",
    }
    long = httpx.get(f"{real}/epidata/covidcast/", params={**form, "geo_values": places}, auth=("epidata", ""))
    assert long.status_code == 414
    posted = httpx.post(f"{real}/epidata/covidcast/", params={**form, "geo_values": places})
    assert posted.json()["message"].startswith("Invalid geo_value(s)")
    body = httpx.post(f"{real}/epidata/covidcast/", data={**form, "geo_values": "wa"}, auth=("epidata", "key"))
    assert len(body.json()["epidata"]) == 1


def test_the_other_formats_of_v4(real: str) -> None:
    asked = f"{real}/epidata/covidcast/?signal=nyt:cases_avg,deaths_avg&time=day:20210101&geo=state:wa,or&format="
    classic = httpx.get(asked + "classic").json()["epidata"]
    assert httpx.get(asked + "json").json() == classic
    assert [pd.io.json.ujson_loads(line) for line in httpx.get(asked + "jsonl").text.splitlines()] == classic
    assert pl.read_csv(httpx.get(asked + "csv").content)["value"].to_list() == [row["value"] for row in classic]
    tree = httpx.get(asked + "tree").json()["epidata"][0]
    assert tree["cases_avg"] + tree["deaths_avg"] == classic
    days = "start_day=2021-01-01&end_day=2021-01-01"
    download = httpx.get(f"{real}/epidata/covidcast/csv?signal=nyt:cases_avg&{days}&geo_type=state")
    frame = pd.read_csv(pd.io.common.BytesIO(download.content), index_col=0)
    assert [*frame.columns] == [
        "geo_value", "signal", "time_value", "issue", "lag",
        "value", "stderr", "sample_size", "geo_type", "data_source",
    ]  # fmt: skip
    assert frame["time_value"].unique().tolist() == ["2021-01-01"]

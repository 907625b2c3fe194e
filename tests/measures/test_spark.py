"""The averages on Spark Connect, served by Sail, on the real record: the cells of the kernel."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tallybook import daily, day_of_outbreak, per_100k, read_anomalies, rolling_average


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with warnings.catch_warnings():
        # PySpark warns of the newest pandas, which is not used here.
        warnings.simplefilter("ignore")
        from pysail.spark import SparkConnectServer
        from pyspark.sql import SparkSession

        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
        host, port = server.listening_address
        session = SparkSession.builder.remote(f"sc://{host}:{port}").getOrCreate()
        yield session
        session.stop()
        server.stop()


@pytest.mark.filterwarnings("ignore")
def test_the_real_record_on_spark_gives_the_cells_of_the_kernel(spark: Any, shared_data: Path) -> None:
    states = pl.read_csv(shared_data / "nyt/us-states.csv", try_parse_dates=True, schema_overrides={"fips": pl.String})
    totals = states.select(pl.format("USA-{}", "fips").alias("geoid"), "date", "cases", "deaths")
    register = read_anomalies(shared_data / "nyt/rolling-averages/anomalies.csv")
    brought = spark.createDataFrame(totals.to_arrow())
    made = per_100k(rolling_average(daily(brought), anomalies=register, details=True))
    assert type(made) is type(brought)
    expected = per_100k(rolling_average(daily(totals), anomalies=register, details=True))
    assert_frame_equal(pl.DataFrame(made.toArrow()).sort("geoid", "date"), expected, check_exact=True)


@pytest.mark.filterwarnings("ignore")
def test_days_of_an_outbreak_come_back_to_spark(spark: Any) -> None:
    days = pl.date_range(pl.date(2020, 3, 7), pl.date(2020, 3, 9), eager=True)
    totals = pl.DataFrame({"geoid": "USA-53", "date": days, "cases": [0, 1, 5]})
    made = day_of_outbreak(spark.createDataFrame(totals.to_arrow()))
    assert_frame_equal(pl.DataFrame(made.toArrow()).sort("date"), day_of_outbreak(totals))

"""The entry point."""

from __future__ import annotations

from pgplan_postgres.sdk import PostgresProvider
from pgplan_statistics.statistics import StatisticsKind, StatisticsReader

provider = PostgresProvider(kinds=(StatisticsKind(),), readers=(StatisticsReader(),))

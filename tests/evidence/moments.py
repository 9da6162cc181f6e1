"""A time at which the tests ask."""

from datetime import UTC, datetime
from typing import Final

NOW: Final = datetime(2026, 11, 24, 18, 0, 0, 500_000, tzinfo=UTC)

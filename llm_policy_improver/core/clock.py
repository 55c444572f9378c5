"""The time of day, as records carry it."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time of day in UTC."""
    return datetime.now(UTC)

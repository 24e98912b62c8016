"""Column types that all tables share."""

import datetime as dt

from sqlalchemy import DateTime, TypeDecorator
from sqlalchemy import Enum as EnumColumn


class Utc(TypeDecorator):
    """An aware time; kept as UTC, and refused when it is naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value, dialect):
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def enum_column(of):
    return EnumColumn(of, native_enum=False, length=32, create_constraint=False, validate_strings=True)

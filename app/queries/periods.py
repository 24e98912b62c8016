"""Periods in Japan, for counting by the month in any database."""

import datetime as dt

from sqlalchemy import case

from app.clock import JAPAN, months_earlier

MONTHS = 12


def months_until(today, count=MONTHS):
    """The first days of the last `count` months up to the one of `today`, oldest first."""
    return [months_earlier(today.replace(day=1), back) for back in reversed(range(count))]


def beginning(day):
    """The first moment of a day in Japan."""
    return dt.datetime.combine(day, dt.time(), JAPAN)


def last_day(month):
    """The last day of the month that begins with the day `month`."""
    return (month + dt.timedelta(days=32)).replace(day=1) - dt.timedelta(days=1)


def month_of(column, borders):
    """The place in `borders` of the month a row belongs to: the last border that is not after `column`.

    :param borders: the first days of the months, or their first moments, as the column has them; oldest first
    """
    return case(*((column >= border, place) for place, border in reversed(list(enumerate(borders)))))

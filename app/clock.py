"""Now, and today in Japan.  Every module takes the time from here and caches none of it."""

import datetime as dt
from zoneinfo import ZoneInfo

JAPAN = ZoneInfo("Asia/Tokyo")


def now() -> dt.datetime:
    """The present moment, as an aware time in UTC."""
    return dt.datetime.now(dt.UTC)


def japan_date(moment: dt.datetime) -> dt.date:
    """The calendar day in Japan at `moment`."""
    return moment.astimezone(JAPAN).date()


def end_of_japan_day(day: dt.date) -> dt.datetime:
    """The first moment that no longer belongs to `day` in Japan, in UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), JAPAN).astimezone(dt.UTC)


def years_later(day: dt.date, years: int) -> dt.date:
    """The same day `years` later; 29 February becomes 28 February where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def months_earlier(day: dt.date, months: int) -> dt.date:
    """The same day `months` earlier, or the last day of that month where it has no such day."""
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 0, -1):
        try:
            return dt.date(years, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def month_of(day: dt.date) -> dt.date:
    """The first day of the month of `day`."""
    return day.replace(day=1)


def next_month(day: dt.date) -> dt.date:
    """The first day of the month after that of `day`."""
    return month_of(month_of(day) + dt.timedelta(days=31))

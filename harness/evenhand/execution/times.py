"""Times as a person writes them: `2h` for a length of time, `07:00` for a moment."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from datetime import time as time_of_day

from evenhand.errors import RunError

UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def seconds(text: str, option: str, *, with_unit: bool = False) -> float:
    """The seconds of `90`, `45s`, `30m`, `2h` or `1d`. Raises `RunError` for any other text.

    with_unit: a number alone, which a reader may take for hours, is refused.

    >>> seconds("1.5h", "--time-limit")
    5400.0
    """
    match = LENGTH.fullmatch(text.strip()) if isinstance(text, str) else None
    is_known = match is not None and match[2] in UNITS and (match[2] or not with_unit)
    if match is None or not is_known or float(match[1]) <= 0:
        unit = "with a unit of s, m, h or d" if with_unit else "of seconds, or with s, m, h or d"
        raise RunError(
            f"{option} {text!r} is no time: a number above 0 {unit}\n"
            "  write e.g. 90s, 30m, 2h or 1d"
        )
    return float(match[1]) * UNITS[match[2]]


def moment(text: str | datetime, option: str, *, now: datetime | None = None) -> datetime:
    """The moment of a time of day, a date with a time, or a length of time from now.

    A time of day is its next occurrence. Without a time zone, a time is that of this machine.
    Raises `RunError` for any other text, and for one whose moment is over.

    >>> moment("07:00", "--until", now=datetime(2026, 11, 28, 22)).strftime("%d %H:%M")
    '29 07:00'
    >>> moment("8h", "--until", now=datetime(2026, 11, 28, 22)).strftime("%d %H:%M")
    '29 06:00'
    """
    now = (now or datetime.now()).astimezone()
    if isinstance(text, datetime):
        return text.astimezone()
    found = _moment(str(text).strip(), option, now).astimezone()
    if found <= now:
        raise RunError(
            f"{option} {text} is over: it is {now:%Y-%m-%d %H:%M} now\n"
            "  write a later time, such as 07:00 for the next morning, or 8h from now"
        )
    return found


def _moment(text: str, option: str, now: datetime) -> datetime:
    if LENGTH.fullmatch(text) and not text.isdigit():
        return now + timedelta(seconds=seconds(text, option, with_unit=True))
    try:
        if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text):
            of_day = time_of_day.fromisoformat(text.zfill(len(text) + (text[1] == ":")))
            # By the calendar, so that a day on which the clocks change is as long as it is.
            today = datetime.combine(now.date(), of_day)
            is_over = today.astimezone() <= now
            return today + timedelta(days=1) if is_over else today
        if re.match(r"\d{4}-\d{2}-\d{2}[T ]\d", text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise RunError(
        f"{option} {text!r} is no moment: a time of day, a date with a time, or a length of time\n"
        "  write e.g. 07:00, 2026-12-24T18:00 or 8h"
    )

"""Retries of operations on a store that does not answer for a while.

An operation is repeated with growing pauses until it succeeds, until its error is one that no
repetition cures, or until a time limit. pyarrow itself repeats requests to S3 for about six seconds
before an error gets here.
"""

from __future__ import annotations

import errno
import random
import re
import time
from collections.abc import Callable
from typing import TypeVar

from evenhand.errors import StoreError
from evenhand.pulse import waited

READING_SECONDS = 30.0
"""Longest wait of a process that only reads, and of a run before its first trial."""
RUN_SECONDS = 600.0
"""Longest wait of a run, whose work would be lost."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
LOOK_SECONDS = 1.0
"""Time between two looks at the time limit during a pause."""
PASSING = (
    errno.EIO,
    errno.EAGAIN,
    errno.EBUSY,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
)
"""Errors of the system that may pass, beside those of connections and time limits."""
FINAL = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|INVALID_CLIENT_TOKEN_ID|INVALID_SIGNATURE|NO_SUCH_BUCKET"
    r"|SIGNATURE_DOES_NOT_MATCH|UNRECOGNIZED_CLIENT|MISSING_AUTHENTICATION_TOKEN|NO_SUCH_KEY"
    r"|RESOURCE_NOT_FOUND|REQUEST_EXPIRED|VALIDATION|OPT_IN_REQUIRED"
    r"|HTTP status 4(?!08|29)\d\d"
    # Words of Google and Azure.
    r"|PERMISSION_DENIED|UNAUTHENTICATED|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION"
    r"|AuthenticationFailed|Authorization\w*(Failure|Mismatch)|ContainerNotFound|AccountIsDisabled"
)
"""Words by which object stores name the errors that last: wrong keys, rights and names."""

T = TypeVar("T")
_chance = random.SystemRandom()
"""Not the generator of the process, whose state belongs to the trial."""


def system_error(error: BaseException | None) -> OSError | None:
    """The error of the system behind a `StoreError`; None where there is none."""
    while isinstance(error, StoreError):
        error = error.__cause__
    return error if isinstance(error, OSError) else None


def may_pass(error: BaseException) -> bool:
    """Whether an error of a store, or the one behind a `StoreError`, may pass by itself."""
    found = system_error(error)
    if found is None:
        return False
    if isinstance(found, (ConnectionError, TimeoutError)):
        return True
    if found.errno is not None:
        return found.errno in PASSING
    return FINAL.search(str(found)) is None


def retried(
    action: Callable[[], T],
    seconds: Callable[[], float],
    on_error: Callable[[], None] | None = None,
) -> T:
    """Result of an action, which is repeated for some seconds while its errors may pass.

    A watchdog counts the time of the repetitions neither as progress nor as a standstill.
    seconds: the time limit, which another thread may shorten. on_error: called once, before the
    first pause.
    """
    start, pause, errors = time.monotonic(), FIRST_PAUSE, 0

    def left() -> float:
        return start + seconds() - time.monotonic()

    while True:
        began = time.monotonic()
        try:
            return action()
        except (OSError, StoreError) as error:
            if left() <= 0 or not may_pass(error):
                raise
        errors += 1
        if errors == 1 and on_error is not None:
            on_error()
        # Without chance, all workers of a run would ask again at the same moment.
        _sleep(pause * _chance.uniform(0.5, 1.0), left)
        pause = min(2 * pause, LONGEST_PAUSE)
        waited(time.monotonic() - began)


def _sleep(seconds: float, left: Callable[[], float]) -> None:
    """Sleep for some seconds, and no longer than is left."""
    end = time.monotonic() + seconds
    while (rest := min(end - time.monotonic(), left())) > 0:
        time.sleep(min(rest, LOOK_SECONDS))

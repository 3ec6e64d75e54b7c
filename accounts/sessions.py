"""The devices on which a person is logged in: listed, noted once a minute at most, and ended.

The rows are those of ``allauth.usersessions``. Its own middleware would write with every request, so it is not used.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Final

from allauth.usersessions.models import UserSession
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.audit import Action, address_of, record_event
from accounts.devices import is_mobile, name_device
from accounts.models import User
from accounts.signals import sessions_ended

STEP: Final = 60.0  # seconds between two notes of the same session
REMEMBERED: Final = 10_000  # sessions whose last note a process remembers
UNKNOWN_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - the column takes no blank

_noted: OrderedDict[str, float] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Device:
    """One session as its person sees it."""

    id: int
    device: str
    is_mobile: bool
    address: str | None
    created_at: datetime
    last_seen_at: datetime
    is_current: bool


def note_activity(request: HttpRequest) -> None:
    """Note that the session was seen. A database that is away is no reason to lose an answer."""
    session = getattr(request, "session", None)
    if session is None or not session.accessed:
        return
    try:
        if SESSION_KEY in session and session.session_key and _is_due(session.session_key):
            _note(session.session_key, session[SESSION_KEY], request)
    except DatabaseError:
        return


def remember_session(request: HttpRequest, user: User) -> None:
    """Somebody has just logged in."""
    if not request.session.session_key:
        request.session.save()
    key = str(request.session.session_key)
    _is_due(key)
    _note(key, str(user.pk), request)


def sessions_of(user: User) -> QuerySet[UserSession]:
    """The person's own, the last seen first; some may be over."""
    rows: QuerySet[UserSession] = UserSession.objects.filter(user=user).order_by("-last_seen_at", "-id")
    return rows


def devices_of(user: User, current_key: str | None) -> list[Device]:
    """Where the person is logged in now; ``current_key`` is the session that asks."""
    rows = list(sessions_of(user))
    alive = _alive(user, [row.session_key for row in rows])
    return [_device(row, current_key) for row in rows if row.session_key in alive]


def end_session(*, session: UserSession) -> None:
    """Log one device out; what it has open closes within seconds."""
    end_sessions(user=session.user, sessions=[session])


def end_other_sessions(*, user: User, current_key: str | None) -> int:
    """Log all devices out but this one; how many."""
    others = list(sessions_of(user).exclude(session_key=current_key or ""))
    end_sessions(user=user, sessions=others)
    return len(others)


def end_sessions(*, user: User, sessions: Iterable[UserSession]) -> None:
    """Log devices of one person out."""
    rows = list(sessions)
    with transaction.atomic():
        Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
        for row in rows:
            record_event(action=Action.SESSION_ENDED, target=user, detail=name_device(row.user_agent))
            row.delete()
    sessions_ended.send(sender=User, user=user)


def purge_sessions() -> int:
    """Forget the devices whose sessions are over; how many."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    count, _models = UserSession.objects.exclude(session_key__in=alive).delete()
    return int(count)


def _device(row: UserSession, current_key: str | None) -> Device:
    return Device(
        id=row.pk,
        device=name_device(row.user_agent),
        is_mobile=is_mobile(row.user_agent),
        address=None if row.ip == UNKNOWN_ADDRESS else row.ip,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        is_current=row.session_key == current_key,
    )


def _alive(user: User, keys: list[str]) -> set[str]:
    """The sessions that have neither expired nor ended by another password."""
    expected = user.get_session_auth_hash()
    found = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return {
        row.session_key
        for row in found
        if constant_time_compare(str(row.get_decoded().get(HASH_SESSION_KEY, "")), expected)
    }


def _is_due(key: str) -> bool:
    """Whether this process has not noted the session within the last minute; it has from now on."""
    now = time.monotonic()
    with _lock:
        if now - _noted.get(key, -STEP) < STEP:
            return False
        _noted[key] = now
        _noted.move_to_end(key)
        while len(_noted) > REMEMBERED:
            _noted.popitem(last=False)
    return True


def _note(key: str, user_id: str, request: HttpRequest) -> None:
    seen = {
        "last_seen_at": timezone.now(),
        "ip": address_of(request) or UNKNOWN_ADDRESS,
        "user_agent": request.headers.get("User-Agent", "")[: UserSession._meta.get_field("user_agent").max_length],
    }
    rows = UserSession.objects.filter(session_key=key)
    if not rows.update(**seen):
        UserSession.objects.get_or_create(session_key=key, defaults={**seen, "user_id": user_id})

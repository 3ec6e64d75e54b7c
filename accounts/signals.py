"""What packages further up want to know about accounts."""

from django.dispatch import Signal

sessions_ended = Signal()
"""Sessions of ``user`` were ended from elsewhere: whatever they have open has to close."""

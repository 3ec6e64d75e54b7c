"""The practice provider: an endpoint in both dialects with scripted replies and scripted faults.

It needs no key and no network. Newcomers try Wiz with it, administrators rehearse failure with it, the tests talk to
it over HTTP. It is a small server on raw streams, so that broken answers are really broken.
"""

from providers.practice.server import PracticeServer
from providers.practice.threads import running_practice

__all__ = ["PracticeServer", "running_practice"]

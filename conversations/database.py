"""ORM code from async code; see ``providers.database``."""

from providers.database import in_thread

__all__ = ["in_thread"]

"""``manage.py practice``: run the practice provider."""

import asyncio
import signal
from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from providers.practice import PracticeServer


class Command(BaseCommand):
    """Serve the practice provider until interrupted."""

    help = "Run the practice provider: scripted answers in the OpenAI and the Anthropic dialect, no key needed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to listen, and which key to ask for."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 picks a free one")
        parser.add_argument("--api-key", default="", help="the key that clients must send (default: any)")

    def handle(self, *, host: str, port: int, api_key: str, **options: object) -> None:
        """Run. Raises ``CommandError`` when the address cannot be used."""
        del options
        try:
            asyncio.run(self._serve(host, port, api_key))
        except OSError as error:
            raise CommandError(f"Cannot listen on {host}:{port}: {error.strerror}.") from None

    async def _serve(self, host: str, port: int, api_key: str) -> None:
        server = PracticeServer(api_key=api_key)
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        real_port = await server.start(port, host)
        shown = f"[{host}]" if ":" in host else host
        self.stdout.write(f"Practice provider listening on http://{shown}:{real_port}")
        self.stdout.flush()
        await stopped.wait()
        await server.stop()

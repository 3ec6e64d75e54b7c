"""A small HTTP server whose answer to ``GET /models`` a test can change, in a thread of its own."""

import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Listing:
    """What is answered, and how often it was asked. ``hold`` keeps every answer back until it is set."""

    def __init__(self) -> None:
        self.status = 200
        self.body: object = {"data": []}
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.hold = threading.Event()
        self.hold.set()
        self.arrived = threading.Event()
        self.url = ""
        self._lock = threading.Lock()

    def lists(self, *models: str | dict[str, object]) -> None:
        """Answer with these models."""
        self.status = 200
        self.body = {"data": [{"id": model} if isinstance(model, str) else model for model in models]}

    def fails(self, status: int) -> None:
        """Answer with an error."""
        self.status, self.body = status, {"error": {"message": "Something is wrong here."}}

    def answer(self) -> tuple[int, bytes]:
        """The next answer, once it may go out."""
        with self._lock:
            self.asked += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self.arrived.set()
        self.hold.wait(30)
        with self._lock:
            self.at_once -= 1
        return self.status, json.dumps(self.body).encode()


@contextmanager
def serving_a_list() -> Iterator[Listing]:
    """A server that is closed again."""
    listing = Listing()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = listing.answer()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the caller lost its patience, which tests want it to
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    listing.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield listing
    finally:
        listing.hold.set()
        server.shutdown()
        server.server_close()
        thread.join(5)

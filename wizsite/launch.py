"""Everything ``manage.py up`` does: prepare, start all processes, wait until they serve, watch, stop."""

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis
from django.conf import settings

from providers import valkey
from providers.services import ensure_practice_provider
from wizsite import addresses, checks, embedded, env, preparation, processes, readiness
from wizsite.preparation import StartError
from wizsite.supervisor import Program, Supervisor

LOOPBACK = "127.0.0.1"
READY_LIMIT = 180.0  # seconds
DEATHS_LIMIT = 4  # a process that has died so often before all was ready will not recover by itself
VALKEY_LIMIT = 10.0  # seconds to wait for the Valkey of REDIS_URL
POLL_INTERVAL = 0.1  # seconds


@dataclass(frozen=True)
class Plan:
    """The arguments of ``up``."""

    host: str
    port: int
    workers: int
    concurrency: int


class Launch:
    """One run of ``up``; ``say`` prints one line."""

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        """Nothing is started yet."""
        self.plan = plan
        self.say = say
        self.supervisor = Supervisor(settings.DATA_DIR / "logs", say)

    def run(self) -> None:
        """Serve until somebody asks to stop. Raises ``StartError`` when Wiz cannot start."""
        refuse_wrong_deployment(self.plan.host)
        with only_one():
            port = addresses.choose_port(self.plan.host, self.plan.port)
            try:
                self._serve(port)
            finally:
                self.supervisor.install_signal_handlers()
                self.supervisor.stop()

    def _serve(self, port: int) -> None:
        url = addresses.base_url(self.plan.host, port)
        os.environ.update(WIZ_PORT=str(port))  # the children derive the public address and the origins from it
        self._start_valkey()
        preparation.migrate()
        preparation.refuse_unreadable_keys()
        preparation.collect_static_files()
        welcome = preparation.welcome_first_administrator(url)
        practice = self._prepare_practice(port)
        preparation.close_connections()
        self.supervisor.install_signal_handlers()
        for program in [*practice, *self._programs(port)]:
            self.supervisor.start(program)
        self._wait_until_ready(url)
        self._announce(url, welcome)
        self.supervisor.watch()

    def _start_valkey(self) -> None:
        """Start the embedded Valkey, or make sure that the one of ``REDIS_URL`` answers."""
        if env.secret("REDIS_URL"):
            wait_for_valkey()
            return
        socket, folder = env.valkey_socket(settings.DATA_DIR), settings.DATA_DIR / "valkey"
        try:
            embedded.prepare(socket, folder)
            command = embedded.server_command(socket, folder)
            child = self.supervisor.start(Program("valkey", command, stage=4, grace=8))
            embedded.wait_until_answering(socket, child.is_running)
        except embedded.EmbeddedValkeyError as error:
            raise StartError(str(error)) from None

    def _prepare_practice(self, port: int) -> list[Program]:
        """The practice provider's process, and its row in the database."""
        if not settings.PRACTICE_PROVIDER:
            return []
        from agents.services import ensure_practice_agent

        avoid = {port, settings.PORT}
        own = addresses.choose_port_near(LOOPBACK, port + processes.PRACTICE_PORT_OFFSET, avoid=avoid)
        url = f"http://{LOOPBACK}:{own}/v1"
        os.environ.update(WIZ_PRACTICE_URL=url)
        ensure_practice_agent(provider=ensure_practice_provider(base_url=url))
        command = processes.practice(processes.Options(host=LOOPBACK, port=own))
        return [Program("practice", command, stage=3, grace=3)]

    def _programs(self, port: int) -> Iterator[Program]:
        """Web, workers and beat; stopped in the order web, beat, workers.

        Web may take its full time to see long answers out, but the workers are told to stop after five seconds.
        """
        plan = self.plan
        yield Program("web", processes.web(processes.Options(host=plan.host, port=port)), stage=0, grace=22, handover=5)
        for number in range(1, plan.workers + 1):
            name = f"worker{number}"
            command = processes.worker(processes.Options(name=name, concurrency=plan.concurrency))
            yield Program(name, command, stage=2, grace=28)
        yield Program("beat", processes.beat(processes.Options()), stage=1, grace=5)

    def _wait_until_ready(self, url: str) -> None:
        end = time.monotonic() + READY_LIMIT
        while not self.supervisor.stop_requests and (problem := self._problem(url)):
            self._give_up_on_hopeless_child()
            if time.monotonic() > end:
                raise StartError(f"Wiz is not ready after {READY_LIMIT:g} s: {problem}. Logs: {self.supervisor.folder}")
            self.supervisor.step(POLL_INTERVAL)

    def _problem(self, url: str) -> str:
        children = self.supervisor.children.values()
        workers = [child.pid for child in children if child.program.name.startswith("worker")]
        return readiness.site_problem(url) or readiness.worker_problem(workers)

    def _give_up_on_hopeless_child(self) -> None:
        for child in self.supervisor.children.values():
            if child.deaths >= DEATHS_LIMIT:
                raise StartError(f"{child.program.name} does not start. See {child.log}")

    def _announce(self, url: str, welcome: str | None) -> None:
        if self.supervisor.stop_requests:
            return
        if welcome:
            self.say(welcome)
        self.say(f"Wiz is ready at {url}")
        self.say(f"Logs: {self.supervisor.folder} (Ctrl-C stops Wiz)")


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the data folder's lock; raises ``StartError`` when another ``up`` holds it."""
    with (settings.DATA_DIR / "up.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"Wiz is already running on the data folder {settings.DATA_DIR}.") from None
        yield


def refuse_wrong_deployment(host: str) -> None:
    """Raise ``StartError`` for the first wrong setting."""
    for message in checks.deployment_errors():
        raise StartError(message)
    if settings.DEBUG and not checks.is_local(host):
        raise StartError(f"WIZ_DEBUG is on although Wiz is to listen on {host}: turn it off.")


def wait_for_valkey() -> None:
    """Return when the Valkey of ``REDIS_URL`` answers; raises ``StartError`` after ``VALKEY_LIMIT``."""
    end = time.monotonic() + VALKEY_LIMIT
    while True:
        try:
            valkey.client().ping()
        except (redis.RedisError, OSError, ValueError) as error:
            if time.monotonic() > end or isinstance(error, ValueError):
                raise StartError(f"The Valkey of REDIS_URL does not answer ({type(error).__name__}).") from None
            time.sleep(POLL_INTERVAL)
        else:
            return


def raise_on_stop_signals() -> None:
    """While preparing, a request to stop interrupts whatever is going on."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)

"""A PostgreSQL server of our own: on 127.0.0.1 only, with a password, and as durable as any other."""

import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

import psutil

from klientela.errors import Refusal
from klientela.layout import write_private
from klientela.ports import HOST, free_ports
from klientela.postgres_binaries import Account, programs, server_account
from klientela.processes import Launch, ManagedProcess, end

SUPERUSER = "klientela"
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "wal_level": "replica",
    "wal_compression": "on",
    "max_wal_senders": "4",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %d ",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
}
"""For a laptop or a small server; fsync stays on. Details of errors would quote rows, and so people, in a log."""
FOR_TESTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "unix_socket_directories": ".",
    "track_commit_timestamp": "on",  # in which order was committed: the judge of the faults goes by it
}
STATUS_LINE = slice(7, 8)
"""Where PostgreSQL writes in its pid file how far it is."""


class PostgresServer(ManagedProcess):
    """One cluster in one directory. Usable alone: `with PostgresServer(path) as server: connect(server.dsn)`."""

    stop_signal = signal.SIGINT
    patience = 30.0

    def __init__(
        self,
        directory: Path,
        port: int | None = None,
        *,
        password: str | None = None,
        log: Path | None = None,
        record: Path | None = None,
        durable: bool = True,
    ) -> None:
        """Name the directory (it need not exist) and the port (any free one if not given); starts nothing.

        One that is not `durable` survives the death of any process, but not that of the machine: for tests, which may
        also reach it by a socket in its `data`.
        """
        self.directory = directory.absolute()
        self.port = port or free_ports(1)[0]
        self._password = password
        self._settings = SETTINGS if durable else SETTINGS | FOR_TESTS
        super().__init__(
            "PostgreSQL",
            log=log or self.directory / "postgres.log",
            record=record or self.directory / "run" / "postgres.json",
        )

    @property
    def data(self) -> Path:
        """The cluster itself; beside it is only what starts it."""
        return self.directory / "data"

    @property
    def password(self) -> str:
        """The superuser's password: as given, or made once and kept beside the cluster."""
        if self._password is None:
            kept = self.directory / "password"
            if not kept.exists():
                self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
                write_private(kept, secrets.token_urlsafe(24))
            self._password = kept.read_text()
        return self._password

    def dsn_of(self, database: str, user: str, password: str) -> str:
        """The address of a database for a role."""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}"

    @property
    def dsn(self) -> str:
        """The superuser's address."""
        return self.dsn_of("postgres", SUPERUSER, self.password)

    def launch(self) -> Launch:
        """Make the cluster if there is none yet, and the call that serves it."""
        account = server_account()
        folder = self._claim(account)
        if not (self.data / "PG_VERSION").exists():
            self._initialize(account)
        self._end_strays()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        return self._as_server(account, folder, "postgres", f"--port={self.port}", *settings)

    def answers(self) -> bool:
        """Whether the server takes connections: it says so itself in its pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        ours = self.popen is not None and lines[:1] == [str(self.popen.pid)]
        return ours and "".join(lines[STATUS_LINE]).strip() == "ready"

    def _claim(self, account: Account | None) -> int:
        """Give the directory to the server's account and open it: the account cannot walk there by itself."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        if account and self.directory.stat().st_uid != account.user:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, account.user, account.group, follow_symlinks=False)
        return os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)

    def _as_server(self, account: Account | None, folder: int, program: str, *arguments: str) -> Launch:
        """A program of PostgreSQL on this cluster.

        As root the cluster may lie below directories that the account may not enter, and should not.
        An open descriptor of its own directory leads there all the same, through /proc/self/fd.
        """
        data = f"/proc/self/fd/{folder}/data" if account else str(self.data)
        return Launch(
            arguments=[str(programs(account) / program), "-D", data, *arguments],
            environment={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            user=account.user if account else None,
            group=account.group if account else None,
            directory=Path("/") if account else self.directory,
            descriptors=(folder,),
        )

    def _initialize(self, account: Account | None) -> None:
        """Make the cluster; a first try that was cut short is thrown away."""
        shutil.rmtree(self.data, ignore_errors=True)
        passwords = self.directory / "initial-password"
        write_private(passwords, self.password)
        if account:
            os.chown(passwords, account.user, account.group)
        folder = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        seen = f"/proc/self/fd/{folder}/{passwords.name}" if account else str(passwords)
        options = ["--username", SUPERUSER, "--pwfile", seen, "--auth=scram-sha-256", "--encoding=UTF8"]
        options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--no-instructions"]
        launch = self._as_server(account, folder, "initdb", *options)
        try:
            done = subprocess.run(
                launch.arguments,
                env=dict(launch.environment),
                cwd=launch.directory,
                user=launch.user,
                group=launch.group,
                extra_groups=[] if account else None,
                pass_fds=launch.descriptors,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            os.close(folder)
            passwords.unlink(missing_ok=True)
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise Refusal(f"PostgreSQL could not make its cluster in {self.data}:\n{done.stderr or done.stdout}")

    def _end_strays(self) -> None:
        """End what an earlier server left on this cluster; its pid file goes only if the pid is somebody else's now."""
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            return
        strays = {process.pid: process for process in psutil.process_iter() if self._serves_here(process)}
        if pid in strays:
            end(strays.pop(pid), signal.SIGINT, self.patience)
        elif psutil.pid_exists(pid):
            pid_file.unlink(missing_ok=True)
        for process in strays.values():
            end(process, signal.SIGQUIT, 2)

    def _serves_here(self, process: psutil.Process) -> bool:
        """Whether this is a PostgreSQL process of this very cluster."""
        try:
            return process.name() == "postgres" and Path(process.cwd()).samefile(self.data)
        except (psutil.Error, OSError):
            return False

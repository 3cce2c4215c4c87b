"""A PostgreSQL server of the tests' own: in a folder that goes afterwards, reached through a socket in it alone."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USERS = ("postgres", "nobody")
"""Of these the first that there is runs the server, where we are root, as which it does not run."""


def binaries() -> Path | None:
    """The folder of the server's programs, None where there are none."""
    named = []
    if config := shutil.which("pg_config"):
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        named.append(Path(done.stdout.strip()))
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    return next((p for p in [*named, *reversed(installed)] if (p / "initdb").exists()), None)


@dataclass(frozen=True)
class Server:
    """A server that runs, reached through the socket in `folder`."""

    folder: Path
    superuser: str

    def url(self, database: str) -> str:
        """The URL of one of its databases."""
        return f"postgresql://{self.superuser}@/{database}?host={self.folder}"

    def emptied(self) -> str:
        """The URL of its first database, in which there is nothing any more, nor anybody."""
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IS NOT NULL AND pid <> "
                "pg_backend_pid()"
            )
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return self.url("postgres")


@contextmanager
def server(programs: Path) -> Iterator[Server]:
    """A server, while it runs."""
    folder = Path(tempfile.mkdtemp(prefix="evocircuits-pg-"))
    user = _user()
    if user is not None:
        shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
    superuser = user or pwd.getpwuid(os.getuid()).pw_name

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), "-D", str(folder / "data"), *arguments]
        subprocess.run(command, cwd=folder, user=user, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8", "-U", superuser)
    hurried = "-c fsync=off -c full_page_writes=off -c max_connections=300 -c listen_addresses="
    run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"{hurried} -k {folder}", "start")
    try:
        yield Server(folder, superuser)
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder)


def _user() -> str | None:
    if os.getuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(user for user in USERS if user in known)

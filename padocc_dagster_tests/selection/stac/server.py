"""A real STAC API for tests: stac-fastapi-pgstac over a private Postgres, read-only, on loopback, on ports that nobody chose."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool
from pypgstac.db import PgstacDB
from pypgstac.load import Loader, Methods
from pypgstac.migrate import Migrate

from padocc_dagster.services.processes import dies_with_parent
from padocc_dagster_tests.slurm.postgres import DATABASE, PASSWORD, USER, Postgres, programs

READER = "reader"
EXTENSIONS = "query,sort,fields,filter,pagination,collection_search"
SECONDS = 60.0


def missing() -> str | None:
    """What this machine lacks for a server, as a sentence; None when it lacks nothing."""
    folder = programs()
    if folder is None:
        return "no Postgres is installed: apt-get install postgresql"
    shared = subprocess.run([str(folder / "pg_config"), "--sharedir"], capture_output=True, text=True).stdout.strip()
    if not Path(shared, "extension", "postgis.control").exists():
        package = f"postgresql-{folder.parent.name}-postgis-3"
        return f"the Postgres of {folder} has no PostGIS: apt-get install --no-install-recommends {package}"
    return None


class StacServer:
    """A running server. What it holds is changed here, behind the API, as an archive does that takes new data in."""

    def __init__(self, url: str, database: PgstacDB) -> None:
        self.url, self._database = url, database

    def load(self, collections: Iterable[dict[str, Any]], items: Iterable[dict[str, Any]]) -> None:
        """Add or replace collections, then items. An item's collection is there already or among `collections`."""
        loader = Loader(self._database)
        loader.load_collections(iter(collections), Methods.upsert)
        loader.load_items(iter(items), Methods.upsert)

    def delete_item(self, collection: str, item: str) -> None:
        """Forget an item, which must be there."""
        self._execute("SELECT delete_item(%s, %s)", item, collection)

    def clear(self) -> None:
        """Forget all collections with their items, and how many items earlier searches matched."""
        self._execute("DELETE FROM collections")
        self._execute("DELETE FROM search_wheres")
        self.count_matches(False)

    def count_matches(self, counted: bool) -> None:
        """Whether a page of a search tells how many items match in all (`numberMatched`). At first it does not."""
        self._execute("UPDATE pgstac_settings SET value = %s WHERE name = 'context'", "on" if counted else "off")

    def _execute(self, statement: str, *values: str) -> None:
        self._database.connect().execute(statement, values)


@contextmanager
def stac_server(folder: Path) -> Iterator[StacServer]:
    """A server from nothing to its end; its log is in `folder`."""
    with tempfile.TemporaryDirectory(prefix="padocc-dagster-stac-") as data:
        Path(data).chmod(0o755)  # pytest's own folders are closed to the user that Postgres runs as
        postgres = Postgres(Path(data) / "postgres")
        postgres.create()
        try:
            address = make_conninfo(host="127.0.0.1", port=postgres.port, user=USER, password=PASSWORD, dbname=DATABASE)
            with ConnectionPool(address, min_size=0, max_size=1) as pool, closing(PgstacDB(pool=pool)) as database:
                Migrate(database).run_migration()
                with _api(folder, _reader(address)) as url:
                    yield StacServer(url, database)
                database.disconnect()
        finally:
            postgres.stop()


def _reader(address: str) -> dict[str, str]:
    """A new database user who can only read, as environment variables. The API takes no password with a space, as Postgres's own has."""
    password = secrets.token_hex()
    create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE pgstac_read").format(sql.Identifier(READER), sql.Literal(password))
    with psycopg.connect(address) as connection:  # not pypgstac's own, which its migration left with fewer rights
        connection.execute(create)
        server = connection.info
        return {"PGHOST": server.host, "PGPORT": str(server.port), "PGDATABASE": server.dbname, "PGUSER": READER, "PGPASSWORD": password}


@contextmanager
def _api(folder: Path, reader: dict[str, str]) -> Iterator[str]:
    """The process of the API, which reads as `reader`. Yields its address."""
    settings = {"ENABLED_EXTENSIONS": EXTENSIONS, "STAC_FASTAPI_LANDING_ID": "archive", "STAC_FASTAPI_TITLE": "An archive for tests"}
    log = folder / "api.log"
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as output:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(listening.fileno())]
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | reader | settings,
            pass_fds=[listening.fileno()],
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=dies_with_parent(),
        )
    try:
        try:
            urllib.request.urlopen(url, timeout=SECONDS).close()  # waits in the socket's queue until the process takes it
        except OSError as error:
            raise AssertionError(f"the STAC API does not answer ({error}):\n{log.read_text()}") from error
        yield url
    finally:
        process.terminate()
        process.wait(SECONDS)

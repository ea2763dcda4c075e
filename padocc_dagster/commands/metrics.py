"""metrics."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from padocc_dagster.commands.place import WorkdirOption, instance_of, place_of, sentences

if TYPE_CHECKING:
    from padocc_dagster.pipeline.workdir.layout import Workdir
    from padocc_dagster.services.metrics import Metrics

MISSING = "prometheus-client is not installed: pip install 'padocc-dagster[metrics]'"


def metrics(
    workdir: WorkdirOption,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to answer on; 0 for a free one.")] = 9464,
    host: Annotated[str, typer.Option(help="The address to answer on. Everybody who reaches it can read the metrics.")] = "127.0.0.1",
    once: Annotated[bool, typer.Option("--once", help="Print the metrics once instead, for a textfile collector.")] = False,
) -> None:
    """Serve metrics for Prometheus, until Ctrl-C: projects, products, runs, what jobs requested, sensors.

    They are read at each scrape. Without an instance in the working directory, those of its files are served.
    """
    with sentences():
        try:
            from prometheus_client import CollectorRegistry, generate_latest, start_http_server
        except ImportError:
            raise ValueError(MISSING) from None
        registry, collector = CollectorRegistry(), _collector(place_of(workdir))
        registry.register(collector)
        if once:
            typer.echo(generate_latest(registry).decode(), nl=False)
            return
        server, _ = start_http_server(port, host, registry)
    typer.echo(f"http://{host}:{server.server_port}/metrics has the metrics of {collector.workdir.root}")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()


def _collector(workdir: "Workdir") -> "Metrics":
    """The metrics of a working directory and, where there is one, of its instance. Raises ValueError for one that cannot be opened."""
    from padocc_dagster.services.metrics import Metrics

    return Metrics(workdir, instance_of(workdir))


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(metrics)

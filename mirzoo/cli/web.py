"""The command that opens a page on which models run in the browser: `web`."""

from __future__ import annotations

from pathlib import Path

import click

from mirzoo.cli._shared import FAILED, OVERWRITE, PATH, argument, complain, quiet_libraries


@click.command()
@argument("song", "[SONG]", "A sound file that the page opens.", type=PATH, required=False)
@click.option(
    "--models",
    metavar="MODEL,...",
    help="The models of the page, with commas between them, of each task one: tags, chords and "
    "melody; and one made for live sound, which serves the microphone. By default the quick ones.",
)
@click.option(
    "-o",
    "--out",
    type=PATH,
    help="Write the page into this folder, for any static host, and serve nothing.",
)
@OVERWRITE
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where the page is served on this machine; by default any port that is free.",
)
@click.option("--no-open", is_flag=True, help="Print the address, and open no browser.")
def web(
    song: Path | None,
    models: str | None,
    out: Path | None,
    overwrite: bool,
    port: int | None,
    no_open: bool,
) -> None:
    """Show a song's tags, chords and melody in the browser.

    The models run inside the page, which this machine alone is served; nothing leaves it. The
    first time, they are exported, and npm downloads LiteRT.js.
    """
    from mirzoo.engines import browser

    quiet_libraries()
    names = browser.MODELS if models is None else tuple(dict.fromkeys(models.split(",")))
    if out is not None:
        click.echo(f"wrote {browser.write_site(out, names, song=song, overwrite=overwrite)}")
        return
    files = browser.site(names, song=song)
    try:
        server = browser.server(files, port or 0)
    except OSError as error:
        complain(f"the page cannot be served at port {port}: {error.strerror}")
        raise click.exceptions.Exit(FAILED) from error
    with server:
        address = f"http://{browser.HOST}:{server.server_address[1]}/"
        click.echo(f"{address}  (end with Ctrl+C)")
        if not no_open:
            import webbrowser

            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo("")

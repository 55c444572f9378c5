"""The console's server: three pages behind the door, on a socket that is open before anybody is told of it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI, Query
from fastapi.middleware.gzip import GZipMiddleware
from nicegui import app, ui

from llm_policy_improver.console.compare_page import compare_page
from llm_policy_improver.console.folder_page import MOST, FolderPage
from llm_policy_improver.console.frame import page_frame
from llm_policy_improver.console.guard import Door, guarded
from llm_policy_improver.console.new_run_page import NewRunPage
from llm_policy_improver.console.own_run_card import OwnRunCard
from llm_policy_improver.console.own_runs import OwnRuns
from llm_policy_improver.console.run_page import RunPage
from llm_policy_improver.console.texts import text
from llm_policy_improver.console.watched_folder import WatchedFolder
from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.report.page import Prices

_GRACE: Final = 1
"""s for open connections once the console ends; web sockets of open pages would hold it for ever."""
_LARGEST: Final = 2**18
"""Bytes of a message from a browser, which sends clicks and nothing else."""
_FAVICON: Final = '🏓'


def add_pages(watched: WatchedFolder, prices: Prices | None, own: OwnRuns) -> None:
    """Make the pages of a folder known to NiceGUI, which has one set of pages a process."""

    @ui.page('/')
    async def first(part: int = 0, trial: int = 0) -> None:
        found = watched.run(watched.root.name) if watched.is_run else None
        if found is not None:
            await _run(found, part, trial, home=False)
            return
        with page_frame(f'Runs in {watched.root}', home=False):
            await FolderPage(watched).begin()

    @ui.page('/new')
    async def new() -> None:
        if watched.is_run:
            _not_there('new')
            return
        with page_frame('A new run'):
            NewRunPage(own)

    @ui.page('/run')
    async def of_run(name: str = '', part: int = 0, trial: int = 0) -> None:
        found = watched.run(name)
        if found is None:
            _not_there(name)
        else:
            await _run(found, part, trial)

    @ui.page('/compare')
    async def of_runs(name: Annotated[list[str] | None, Query()] = None) -> None:
        with page_frame('Runs side by side'):
            await compare_page([found for each in (name or [])[:MOST] if (found := watched.run(each)) is not None])

    async def _run(found: WatchedRun, part: int, trial: int, *, home: bool = True) -> None:
        with page_frame(found.folder.resolve().name, home=home):
            played = own.of(found.folder)
            if played is not None:
                OwnRunCard(played)
            await RunPage(found, part, trial, prices).begin()


def _not_there(name: str) -> None:
    with page_frame('No such run'):
        text('p', f'There is no run called "{name}" in this folder.', 'trouble')


def serve(
    listening: socket.socket,
    door: Door,
    watched: WatchedFolder,
    prices: Prices | None,
    own: OwnRuns,
    ready: Callable[[], None],
) -> None:
    """Serve until Ctrl-C, which stops the runs that it plays after the ball in flight.

    Args:
        listening: bound, not yet listening.
        door: who may look.
        watched: what there is to see.
        prices: of a language model's tokens; no cost is told where None.
        own: plays what is begun from a page.
        ready: called once pages are answered.
    """
    add_pages(watched, prices, own)
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.on_startup(ready)
    ui.run_with(
        outer, title='llm_policy_improver', favicon=_FAVICON, dark=None, language='en-US', tailwind=False,
        show_welcome_message=False, storage_secret=None, reconnect_timeout=10.0,
        # The most that is gained by far, at a tenth of the usual time.
        gzip_middleware_factory=lambda inner: GZipMiddleware(inner, minimum_size=1000, compresslevel=1),
    )  # fmt: skip
    config = uvicorn.Config(
        guarded(outer, door), log_level='warning', access_log=False, server_header=False,
        timeout_graceful_shutdown=_GRACE, ws_max_size=_LARGEST,
    )  # fmt: skip
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve([listening]))
    own.stop()

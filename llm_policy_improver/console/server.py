"""The console's server: three pages behind the door, on a socket that is open before anybody is told of it."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import PlainTextResponse, Response
from nicegui import app, run, ui

from llm_policy_improver.console.compare_page import compare_page
from llm_policy_improver.console.folder_page import MOST, FolderPage
from llm_policy_improver.console.frame import page_frame
from llm_policy_improver.console.guard import Door, guarded
from llm_policy_improver.console.new_run_page import NewRunPage
from llm_policy_improver.console.own_run_card import OwnRunCard
from llm_policy_improver.console.own_runs import OwnRuns
from llm_policy_improver.console.robot_card import RobotCard
from llm_policy_improver.console.run_page import Foretelling, RunPage
from llm_policy_improver.console.texts import text
from llm_policy_improver.console.watched_folder import WatchedFolder
from llm_policy_improver.console.watched_run import WatchedRun
from llm_policy_improver.report.page import Prices
from llm_policy_improver.report.robot import Robot, RobotError

_GRACE: Final = 1
"""s for open connections once the console ends; web sockets of open pages would hold it for ever."""
_PATIENCE: Final = 60.0
"""s that a page may take: what it shows is in it, however busy the machine is."""
_LARGEST: Final = 2**18
"""Bytes of a message from a browser, which sends clicks and nothing else."""
_FAVICON: Final = '🏓'


@dataclass(frozen=True, slots=True)
class Site:
    """What a console is for.

    Attributes:
        watched: the runs that there are to see.
        own: plays what is begun from a page.
        prices: of a language model's tokens; no cost is told where None.
        robot: nodes that run, where it stands beside some.
    """

    watched: WatchedFolder
    own: OwnRuns
    prices: Prices | None = None
    robot: Robot | None = None


def add_pages(site: Site, door: Door) -> None:
    """Make the pages of a folder known to NiceGUI, which has one set of pages a process."""
    watched, own, robot = site.watched, site.own, site.robot

    def _itself() -> WatchedRun | None:
        return watched.run(watched.root.name) if watched.is_run else None

    @ui.page('/', response_timeout=_PATIENCE)
    async def first(request: Request, part: int = 0, trial: int = 0) -> None:
        found = await run.io_bound(_itself)
        if found is not None:
            await _run(request, found, part, trial, home=False)
            return
        with page_frame(f'Runs in {watched.root}', robot, home=False):
            if robot is not None:
                RobotCard(robot, watched, door.operates(request))
            await FolderPage(watched).begin()

    @ui.page('/new')
    async def new() -> None:
        if watched.is_run:
            _not_there('new')
            return
        with page_frame('A new run', robot):
            NewRunPage(own)

    @ui.page('/run', response_timeout=_PATIENCE)
    async def of_run(request: Request, name: str = '', part: int = 0, trial: int = 0) -> None:
        found = await run.io_bound(watched.run, name)
        if found is None:
            _not_there(name)
        else:
            await _run(request, found, part, trial)

    @ui.page('/compare', response_timeout=_PATIENCE)
    async def of_runs(name: Annotated[list[str] | None, Query()] = None) -> None:
        with page_frame('Runs side by side', robot):
            some = [await run.io_bound(watched.run, each) for each in (name or [])[:MOST]]
            await compare_page([found for found in some if found is not None])

    async def _run(request: Request, found: WatchedRun, part: int, trial: int, *, home: bool = True) -> None:
        with page_frame(found.folder.resolve().name, robot, home=home):
            waits: list[Foretelling] = []
            played = own.of(found.folder)
            if played is not None:
                waits.append(OwnRunCard(played))
            if robot is not None:
                waits.append(RobotCard(robot, watched, door.operates(request), found.folder))
            await RunPage(found, part, trial, site.prices, waits).begin()

    def _not_there(name: str) -> None:
        with page_frame('No such run', robot):
            text('p', f'There is no run called "{name}" in this folder.', 'trouble')


def add_emergency_stop(outer: FastAPI, robot: Robot) -> None:
    """Stop the arm by a request of its own, which no page and no other work of the console can hold up.

    Whoever has the button on a page asks again and again whether it would be heard.
    """

    @outer.get('/alive')
    async def alive() -> Response:
        return Response(status_code=204)

    @outer.post('/emergency_stop')
    def stop() -> PlainTextResponse:  # in a thread of the server's, which pages do not use
        try:
            return PlainTextResponse(robot.emergency_stop())
        except RobotError as error:
            return PlainTextResponse(str(error), status_code=503)


def serve(
    listening: socket.socket,
    door: Door,
    site: Site,
    ready: Callable[[], None],
    certificate: tuple[Path, Path] | None = None,
) -> None:
    """Serve until Ctrl-C, which stops the runs that it plays after the ball in flight.

    Args:
        listening: open, so that whoever asks early waits.
        door: who may look.
        site: what there is to see and to do.
        ready: called once pages are answered.
        certificate: files of a certificate and of its key, for an encrypted connection.
    """
    add_pages(site, door)
    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    if site.robot is not None:
        add_emergency_stop(outer, site.robot)
    app.on_startup(ready)
    # Quasar's bar for requests under way has no name for screen readers, and there are none to wait for.
    app.config.quasar_config['loadingBar'] = {'skipHijack': True}
    ui.run_with(
        outer, title='llm_policy_improver', favicon=_FAVICON, dark=None, language='en-US', tailwind=False,
        show_welcome_message=False, storage_secret=None, reconnect_timeout=10.0,
        # The most that is gained by far, at a tenth of the usual time.
        gzip_middleware_factory=lambda inner: GZipMiddleware(inner, minimum_size=1000, compresslevel=1),
    )  # fmt: skip
    config = uvicorn.Config(
        guarded(outer, door), log_level='warning', access_log=False, server_header=False,
        timeout_graceful_shutdown=_GRACE, ws_max_size=_LARGEST,
        ssl_certfile=None if certificate is None else certificate[0],
        ssl_keyfile=None if certificate is None else certificate[1],
    )  # fmt: skip
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(server.serve([listening]))
    site.own.stop()

"""The campaign of endpoint faults: each, met by a request, by the probe at the start and by the optimizer's loop."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import faults_of_form
import faults_of_size
import faults_of_time
import numpy as np
from curved_map import CurvedMap
from fault_server import Fault, FaultServer, IdleThread

from llm_policy_improver.core.chat import EndpointError
from llm_policy_improver.core.text import clean_text
from llm_policy_improver.llm.endpoint import Endpoint
from llm_policy_improver.loop.improvement import Improvement
from llm_policy_improver.methods.numeric.least_squares import LeastSquares
from llm_policy_improver.methods.sas.sas import SasPrompt
from llm_policy_improver.report.wording import step_text
from llm_policy_improver.runs.store import RunStore
from llm_policy_improver.table_tennis.objectives import parse_objective
from llm_policy_improver.table_tennis.space import parameter_space
from llm_policy_improver.table_tennis.task_brief import make_brief

KEY = 'sk-recognisable-fake-0123456789'
GRACE = 1.0
"""s beyond its time-out that a request may take."""
MOST_MEMORY = 50 << 20
LONGEST_SENTENCE = 300

ASK = (('user', 'x' * 3_000_000),)
"""So long that it does not fit into the buffers of a connection that nobody reads from."""
SPACE = parameter_space()
BRIEF = make_brief(SPACE)
RIGHT = parse_objective('as far right as possible')


@dataclass(frozen=True)
class Case:
    """A fault behind an address."""

    name: str
    fault: Fault
    scheme: str = 'http'

    def endpoint(self, server: FaultServer, timeout_s: float) -> Endpoint:
        environment = {'OPENAI_API_KEY': KEY}
        return Endpoint('test-model', server.url, timeout_s=timeout_s, max_retries=0, environment=environment)


CASES = [
    *(
        Case(name, fault)
        for each in (faults_of_time, faults_of_size, faults_of_form)
        for name, fault in each.FAULTS.items()
    ),
    *(Case(name, fault, 'https') for name, fault in faults_of_time.SECURED.items()),
    Case('no TLS', faults_of_form.FAULTS['nothing'], 'https'),
]


@dataclass(frozen=True)
class Figures:
    """Of one request to an endpoint with a fault.

    Attributes:
        seconds: until it ended.
        late: s that the machine is to blame for.
        sentence: that told what was wrong; empty where there was a reply.
        reply: that came; empty where none did.
    """

    seconds: float
    late: float
    sentence: str
    reply: str

    def wrong(self, timeout_s: float) -> str:
        """What should not be so; empty where all is as it should be."""
        if self.seconds - self.late > timeout_s + GRACE:
            return f"ended after {self.seconds:.2f} s, {self.late:.2f} s of them the machine's"
        if len(self.sentence) >= LONGEST_SENTENCE or not self.sentence.isprintable():
            return f'no one sentence: {self.sentence!r}'
        if KEY in self.sentence + self.reply or 'hunter2' in self.sentence:
            return 'it tells a key'
        return '' if self.reply == clean_text(self.reply) else f'control characters in {self.reply!r}'


def timed(request: Callable[[], str]) -> Figures:
    """Make a request; what is no `EndpointError` is not caught."""
    reply = sentence = ''
    with IdleThread() as idle:
        started = time.monotonic()
        try:
            reply = request()
        except EndpointError as error:
            sentence = str(error)
        seconds = time.monotonic() - started
    return Figures(seconds, idle.latest, sentence, reply)


def asked(case: Case, timeout_s: float) -> Figures:
    """A chat."""
    with FaultServer(case.fault, case.scheme) as server:
        endpoint = case.endpoint(server, timeout_s)
        return timed(lambda: endpoint.complete(ASK).text)


def probed(case: Case, timeout_s: float) -> Figures:
    """The question whether it is there."""
    with FaultServer(case.fault, case.scheme) as server:
        endpoint = case.endpoint(server, timeout_s)

        def probe() -> str:
            endpoint.check_reachable()
            return ''

        return timed(probe)


def loop_goes_on(case: Case, timeout_s: float, folder: Path) -> str:
    """Have a proposal asked for, and stored; what is wrong with the step that comes of it, empty where nothing is."""
    history = [CurvedMap(1).run(SPACE.sample(np.random.default_rng(seed)), seed) for seed in range(8)]
    with FaultServer(case.fault, case.scheme) as server:
        improvement = Improvement(
            RIGHT, SasPrompt(case.endpoint(server, timeout_s), BRIEF), SPACE, trials=1, first_trials=0,
            history=history, fallback=LeastSquares(BRIEF),
        )  # fmt: skip
        step = improvement.propose()
    with RunStore.create(folder, {'objective': 'faults'}) as store:
        store.add_step(RIGHT.words, step)
        kept = store.exchanges()
    if step.proposed_by != 'least_squares' or not kept:
        return f'proposed by {step.proposed_by}, {len(kept)} exchanges'
    said = step_text(step)
    return '' if said == clean_text(said) and '\n' not in said and KEY not in said else f'it says {said!r}'


def memory_of(request: Callable[[], object]) -> int:
    """Bytes that this process needs at most during a request, beyond those that it had before."""
    status = Path('/proc/self/status')

    def field(name: str) -> int:
        return next(int(line.split()[1]) << 10 for line in status.read_text().split('\n') if name in line)

    Path('/proc/self/clear_refs').write_text('5')  # the peak begins anew
    before = field('VmRSS')
    request()
    return field('VmHWM') - before

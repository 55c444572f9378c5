"""What a person's words ask of the table-tennis arm: by the vocabulary, or by a language model that reads them."""

from llm_policy_improver.core.chat import EndpointError, ModelMaker
from llm_policy_improver.core.objective import Objective, ObjectiveError
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y
from llm_policy_improver.table_tennis.reader import Reading, read
from llm_policy_improver.table_tennis.vocabulary import CAN_BE_SAID, understand

Interval = tuple[float, float]


def parse_objective(words: str) -> Objective:
    """Read the words by the vocabulary; the objective has terms only where all of them are understood.

    Raises:
        ObjectiveError: the words are empty or too long.
    """
    found = understand(words)
    return Objective(found.words, found.terms, found.sentence) if found.understood else Objective(found.words)


def read_words(words: str, reader: ModelMaker | None) -> Reading:
    """Read the words by the vocabulary, and by the language model, where there is one, what that does not understand.

    What the vocabulary reads, it reads wholly: asking as well would cost a request and change nothing. Runs and
    ``understand`` both ask here, so that a run aims at what was told before.

    Args:
        words: as the person said them.
        reader: makes the language model, once it is needed; None: the vocabulary alone.

    Raises:
        ObjectiveError: the words are empty or too long.
        EndpointError: the model did not answer.
    """
    found = understand(words)
    if found.understood or reader is None:
        return Reading(found)
    reading = read(words, reader())
    if reading.failed:
        raise EndpointError(reading.exchanges[-1].verdict)
    return reading


def read_objective(words: str, reader: ModelMaker | None, otherwise: str = '') -> Objective:
    """What the words ask for, by `read_words`.

    Args:
        words: as the person said them.
        reader: makes the language model, once it is needed; None: the vocabulary alone.
        otherwise: what else can be done where they are not understood, as a clause.

    Raises:
        ObjectiveError: the words are empty or too long, or not all of them are understood.
        EndpointError: the model did not answer.
    """
    reading = read_words(words, reader)
    found = reading.understanding
    if not found.understood:
        left_out = ', '.join(f'"{part}"' for part in found.not_understood)
        raise ObjectiveError(
            f'"{found.words}" is not understood, or not measured: {left_out}. {CAN_BE_SAID}{otherwise}'
        )
    return Objective(found.words, found.terms, found.sentence, reading.exchanges)


def wanted_place(objective: Objective) -> tuple[Interval | None, Interval | None]:
    """Between which x and which y a landing is wanted, m, frame ``table``; None where the objective leaves it open.

    The two ends are the same for a value; one of them may be infinite.
    """
    ends = {term.measure.name: term.target for term in objective.terms}
    return ends.get(LANDING_X.name), ends.get(LANDING_Y.name)


def require_measurable(objective: Objective, why: str) -> None:
    """Raise `ObjectiveError`, naming what was not understood and what can be said, where nothing measures the words."""
    if not objective.measurable:
        found = understand(objective.words)
        raise ObjectiveError(f'"{objective.words}": {found.sentence} {why}. {CAN_BE_SAID}')

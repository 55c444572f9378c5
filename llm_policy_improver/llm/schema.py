"""The JSON schema of a reply, for endpoints that can hold a language model to one.

The keys come in the order in which the model shall think: what it sees, what it concludes, what it proposes.
Only what the strict mode of OpenAI's structured outputs takes is used, which is the common ground of the
endpoints: every key required, no others allowed, no limits of numbers and lengths.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

OF_TRIALS: Final[Mapping[str, str]] = MappingProxyType(
    {
        'summary': 'Which trials succeeded, and which are nearest to the objective.',
        'nearest': 'Number of the trial that fulfils the objective best so far; 0 if there is none.',
        'analysis': 'What the comparison of the trials shows.',
        'synthesis': 'What is changed, from which trial, and what is expected of it.',
        'reason': 'One sentence for the person who asked: why these parameters.',
    }
)
"""What each text of a reply is about."""

OWN: Final = 'own'
"""Stands for a letter where no computed candidate is taken."""
TAKEN: Final = f'The computed candidate to try; "{OWN}" for parameters of your own.'
MISREAD: Final = "Empty; or what the person's words ask for, where that is not what is measured."


UNCHANGED: Final = 'Null for each parameter that stays as the candidate has it; all are numbers where none is taken.'
OF_ALL: Final = 'What raising each parameter does.'
OF_CHANGED: Final = 'What raising each parameter does that you change; null for the others.'


def _or_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {'anyOf': [dict(schema), {'type': 'null'}]}


def object_schema(properties: Mapping[str, Any], description: str = '') -> dict[str, Any]:
    """An object with these keys, all required and no others."""
    made: dict[str, Any] = (
        {'type': 'object', 'description': description} if description else {'type': 'object'}
    )
    return made | {
        'properties': dict(properties),
        'required': list(properties),
        'additionalProperties': False,
    }


def reply_schema(
    names: Sequence[str],
    candidates: int = 1,
    analysis: bool = True,
    *,
    expected: Sequence[str] = (),
    effects: Mapping[str, Sequence[str]] = MappingProxyType({}),
    about: Mapping[str, str] = OF_TRIALS,
    computed: Sequence[str] = (),
    misread: bool = False,
) -> dict[str, Any]:
    """The schema of replies that `reply.parse_reply` reads.

    Args:
        names: of the parameters.
        candidates: proposals asked for; above 1 they come as a list under ``candidates``, else one comes under
            ``parameters``.
        analysis: whether the steps before the parameters (summary, analysis, effects, synthesis) are asked for.
        expected: names of the measures that the model shall expect of its proposal; none: not asked for.
        effects: the words for what raising a parameter does, by measure; none: not asked for.
        about: what each text is about, where not of trials.
        computed: letters of the candidates that one may take instead of parameters of its own, which may then be null;
            or that may stand among several proposals.
        misread: whether it may say that the person's words were misread.

    Raises:
        ValueError: there are no names, or less than one candidate is asked for.
    """
    if not names or candidates < 1:
        raise ValueError(
            f'a reply needs at least one parameter and one candidate; got {len(names)} and {candidates}'
        )
    texts = {name: {'type': 'string', 'description': what} for name, what in about.items()}
    number = {'type': 'number'}
    nearest = {'type': 'integer', 'description': about['nearest']}
    wanted = object_schema(dict.fromkeys(expected, number), 'What is expected of the proposal.')
    one = object_schema(
        {measure: {'type': 'string', 'enum': list(words)} for measure, words in effects.items()}
    )
    vector = object_schema(dict.fromkeys(names, number))
    changed = object_schema(dict.fromkeys(names, _or_null(number)), UNCHANGED)
    said = _or_null(one) if computed else one
    all_effects = object_schema(dict.fromkeys(names, said), OF_CHANGED if computed else OF_ALL)
    letter = {'type': 'string', 'enum': list(computed)}
    each = {'anyOf': [vector, letter]} if computed else vector
    several = {'type': 'array', 'description': f'{candidates} different proposals.', 'items': each}
    taken = {'type': 'string', 'enum': [*computed, OWN], 'description': TAKEN}
    own = _or_null(changed) if computed else vector
    return object_schema(
        {
            **({'misread': {'type': 'string', 'description': MISREAD}} if misread else {}),
            **({'summary': texts['summary']} if analysis else {}),
            'nearest': nearest,
            **({'analysis': texts['analysis']} if analysis else {}),
            **({'effects': all_effects} if analysis and effects else {}),
            **({'synthesis': texts['synthesis']} if analysis else {}),
            **({'expected': wanted} if expected else {}),
            'reason': texts['reason'],
            **({'take': taken} if computed and candidates == 1 else {}),
            **({'parameters': own} if candidates == 1 else {'candidates': several}),
        }
    )

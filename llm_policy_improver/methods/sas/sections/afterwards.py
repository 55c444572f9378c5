"""What became of the last proposals: repetitions, and how the model's own words compare with what happened."""

from collections.abc import Sequence
from typing import Final

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.proposal import KeptBack, Proposal
from llm_policy_improver.core.trial import Trial
from llm_policy_improver.methods.ranking import trial_number
from llm_policy_improver.methods.sas import effects
from llm_policy_improver.methods.sas.sections.seen import Seen
from llm_policy_improver.methods.sas.trial_table import number

LONGEST_TOLD: Final = 300
"""Characters of what the checks changed in a proposal that are told in the next prompt."""
MOST_REPETITIONS: Final = 4
MOST_EXPECTATIONS: Final = 3
"""Lines of each kind, the latest ones."""


def repetitions(seen: Seen) -> list[str]:
    """Means and spreads of policies that were tried more than once."""
    history = seen.history
    measures = {measure.name: measure for measure in seen.brief.measures}
    lines = []
    for group in seen.repeated[-MOST_REPETITIONS:]:
        numbers = ', '.join(str(trial_number(history, position)) for position in group.positions[-6:])
        values = ', '.join(
            f'{measures[name].column} {number(mean, measures[name])} ±{group.spreads[name]:.3f}'
            for name, mean in group.means.items()
        )
        missed = f'; {group.tries - len(group.positions)} failed' * (group.tries > len(group.positions))
        lines.append(
            f'Same parameters in {len(group.positions)} trials that succeeded ({numbers}): mean {values}{missed}.'
        )
    return lines


def feedback(seen: Seen) -> list[str]:
    """The model's last expectations beside what happened, what was kept from the arm and why, and the model's last
    claims beside the computed effects.
    """
    if not seen.options.feedback:
        return []
    history, earlier, brief = seen.history, seen.earlier, seen.brief
    first = len(history) - len(earlier)
    made = [
        (first + i, proposal)
        for i, proposal in enumerate(earlier)
        if first + i >= 0 and proposal.exchanges and not proposal.instead_of
    ]
    lines = []
    for position, proposal in made[-MOST_EXPECTATIONS:]:
        said = '; '.join(map(str, proposal.findings))
        if said:
            told = said[:LONGEST_TOLD] + ' ...' * (len(said) > LONGEST_TOLD)
            lines.append(f'Your proposal for trial {trial_number(history, position)}: {told}.')
        # What was expected holds for what was answered, not for what it was changed into.
        if proposal.expected and proposal.same_as(history[position]):
            lines.append(_expectation(history, position, proposal, brief))
    kept = [each for proposal in earlier for each in proposal.kept_back]
    lines += [kept_back_text(each) for each in kept[-MOST_EXPECTATIONS:]]
    claims = made[-1][1].claims if made else ()
    if claims and (text := effects.feedback_text(claims, brief, seen.advice is None)):
        lines.append(text)
    return lines


def _expectation(history: Sequence[Trial], position: int, proposal: Proposal, brief: Brief) -> str:
    trial, name = history[position], trial_number(history, position)
    known = [each for each in brief.measures if each.name in proposal.expected]
    expected = ', '.join(f'{each.column} {number(proposal.expected[each.name], each)}' for each in known)
    if not trial.succeeded:
        return f'For trial {name} you expected {expected}: its outcome is {trial.outcome}.'
    gaps = ', '.join(
        f'{each.column} {trial.measures[each.name] - proposal.expected[each.name]:+.{each.digits}f}'
        for each in known
        if each.name in trial.measures
    )
    return f'For trial {name} you expected {expected}: it came out off by {gaps}.'


def kept_back_text(kept: KeptBack) -> str:
    """What a gate, or a person, kept from the arm, as a sentence for the next prompt."""
    if kept.person:
        return f'A person rejected the parameters {kept.proposal}: "{kept.reason}".'
    return f'The {kept.by} refused the parameters {kept.proposal}: {kept.reason}.'

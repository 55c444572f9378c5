"""The table-tennis task as a method sees it."""

from llm_policy_improver.core.brief import Brief
from llm_policy_improver.core.prompts import prompt
from llm_policy_improver.core.space import ParameterSpace
from llm_policy_improver.table_tennis.ball import table
from llm_policy_improver.table_tennis.measures import MEASURES
from llm_policy_improver.table_tennis.measures.on_blade import EDGE


def make_brief(space: ParameterSpace) -> Brief:
    """The brief, with the parameters that are searched."""
    text = prompt(__package__, 'brief').substitute(
        half_width=f'{table.HALF_WIDTH:g}',
        half_length=f'{table.HALF_LENGTH:g}',
        middle=f'{table.HALF_LENGTH / 2:.2f}',
        net_height=f'{table.NET_HEIGHT:g}',
    )
    return Brief(
        space, MEASURES, text.strip(), ('landed', 'out', 'net', 'own_side'), "landed on the opponent's half",
        risks=(EDGE,),
    )  # fmt: skip

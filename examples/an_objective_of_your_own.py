"""An objective is a list of terms over measures: a value, a range, or as much as possible, each with a weight.

python examples/an_objective_of_your_own.py
"""

from llm_policy_improver import Extreme, Objective, Term, improve
from llm_policy_improver.table_tennis.measures.height import NET_CLEARANCE
from llm_policy_improver.table_tennis.measures.landing import LANDING_X, LANDING_Y


def main(trials: int = 39) -> None:
    objective = Objective(
        words='a flat ball into the left third, anywhere in the deep half',
        terms=(
            Term(LANDING_X, (-0.7625, -0.254)),
            Term(LANDING_Y, (0.685, 1.37)),
            Term(NET_CLEARANCE, Extreme.SMALLEST, weight=0.5),
        ),
        sentence='x from -0.76 to -0.25 m, y from 0.69 to 1.37 m, as low over the net as possible',
    )
    result = improve(objective, trials=trials, first_trials=min(24, trials))
    measures = {} if result.best is None else result.best.measures
    print(objective.sentence)
    for term in objective.terms:
        print(
            f'  {term.measure.name}: {measures.get(term.measure.name, float("nan")):+.3f} {term.measure.unit}'
        )


if __name__ == '__main__':
    main()

"""Improve towards an objective, look at the trials, draw them, play the best policy again.

python examples/improve_and_look.py
"""

from pathlib import Path

from llm_policy_improver import RunStore, TableTennis, draw_landing_map, improve, parse_objective


def main(folder: Path = Path('runs/example'), trials: int = 39) -> None:
    words = 'far left corner'
    result = improve(
        words,
        trials=trials,
        first_trials=min(24, trials),
        folder=folder,
        on_trial=lambda each: print(f'{each.number:3d}  {each.trial.note}'),
    )
    print(f'best: trial {result.best_trial}, {result.best_distance_m:.3f} m to go')
    print(result.best_policy)

    with RunStore.open(folder) as store:
        draw_landing_map(folder / 'landings.png', store.trials(), parse_objective(words), 24, result.method)

    assert result.best_policy is not None
    again = TableTennis().run(result.best_policy, seed=0)
    print(f'played again: {again.note}, {again.measures["hit_speed"]:.1f} m/s after the hit')


if __name__ == '__main__':
    main()

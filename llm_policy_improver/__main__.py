"""Start of the command line, also as ``python -m llm_policy_improver``."""

import os
import sys


def main() -> None:
    """Entry point of the ``llm-policy-improver`` command."""
    # Before numpy loads: its matrices are small here, and threads of the linear algebra only get in each other's way.
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    try:
        from llm_policy_improver.cli.main import main as run

        run()
    except KeyboardInterrupt:  # before any command sees to it
        sys.exit(130)


if __name__ == '__main__':
    main()

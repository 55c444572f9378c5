# make demo OBJECTIVE="..."   an improvement run in simulation, through ROS 2
# make rehearsal OBJECTIVE="..."   the same with the nodes of the physical arm, in real time, against a stand-in for it
# make test                   style, types, rooms, tests; ARGS go to pytest: make test ARGS="test/unit/core -n 0"
# make acceptance             the campaigns in full: 100 nodes killed in a run, 5,000 attacks, 10,000 made-up replies,
#                             60 workers killed while they compute, every attack on the sandbox shown to be one, every
#                             method on the stand-in arm, 1,000 neighbours of each simulated motion, 100 cells calibrated,
#                             122 faults of an endpoint, 20,000 spoiled parameter files, 5,000 damaged stores,
#                             2,000 pauses of the controller in a swing and 50 in real time,
#                             2,000 forged messages and calls, 20 runs killed while they are reported on
# All set up what they need in .venv; PYTHON=python3.12 chooses the Python.

PYTHON ?= python3
OBJECTIVE ?= hit the ball as far right as possible
ARGS ?=
export OBJECTIVE
# Demo and tests start many processes: each would compile everything again where the environment keeps no bytecode.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
READY := .venv/.ready
RAY := .venv/.ray
INTERFACES := $(wildcard msg/*.msg srv/*.srv action/*.action)

.PHONY: demo rehearsal test acceptance setup lint clean

demo: $(READY)
	@$(BIN)/llm-policy-improver demo $(ARGS) -- "$$OBJECTIVE"

rehearsal: $(READY)
	@$(BIN)/llm-policy-improver rehearse $(ARGS) -- "$$OBJECTIVE"

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal $(ARGS)

acceptance: $(READY) $(RAY)
	$(BIN)/python -m pytest test/acceptance test/unit/tasks/dynamic_manipulation/test_simulators.py \
	  test/unit/experiments/test_executors.py \
	  --kills 100 --attacks 5000 --replies 10000 --sandbox-attacks 1000 --worker-kills 20 --arm-methods 100 \
	  --read-kills 20 \
	  --places 1000 --cells 100 --spoiled-files 20000 --damaged-stores 5000 \
	  --pauses 2000 --real-pauses 50 \
	  --forged-messages 2000 $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache --no-logo

setup: $(READY)

# Editable: only a change of what is named here sets up again. The build tools go in too, for colcon.
$(READY): pyproject.toml setup.py CMakeLists.txt package.xml $(INTERFACES) | $(BIN)/python
	@echo 'Setting up .venv (only now and after changes of the set-up; a minute or two) ...'
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv  # an interrupted set-up goes on
	@touch .venv/COLCON_IGNORE
	@$(BIN)/python -c "import tomllib; \
	  print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')" \
	  > .venv/build-requires.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .venv/build-requires.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --editable '.[dev]'
	@touch $@

# Too large for the usual set-up: only the campaigns need it.
$(RAY): $(READY)
	@$(BIN)/python -c "import tomllib; \
	  print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['ray'], sep='\n')" \
	  > .venv/ray-requires.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement .venv/ray-requires.txt
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || \
	  { echo '$(PYTHON) was not found: name a Python 3.11 to 3.13, e.g. make PYTHON=python3.12'; exit 1; }
	@$(PYTHON) scripts/check_machine.py
	@$(PYTHON) -m venv .venv

clean:
	rm -rf .venv build install log dist *.egg-info llm_policy_improver/msg llm_policy_improver/srv \
	  llm_policy_improver/action llm_policy_improver/*.so .mypy_cache .pytest_cache .ruff_cache

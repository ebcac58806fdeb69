# make quickstart   install what it needs, train the quickstart suite, print its leaderboard
# make test         install what they need, run all tests
# make faults       install what they need, hit a small cluster with three schedules of faults
# make docs         install what it needs, build the documentation into build/docs
# make check        lint, test, faults and docs: what every change must pass

PYTHON ?= python3
BIN := .venv/bin
RESULTS ?= results
ONLY ?=
FILTER := $(if $(ONLY),--only $(ONLY))

.PHONY: quickstart test faults lint docs linkcheck readme check format benchmarks clean

quickstart: .venv/installed
	$(BIN)/evenhand run suites/quickstart.yaml --results $(RESULTS) $(FILTER)
	$(BIN)/evenhand report suites/quickstart.yaml --results $(RESULTS) $(FILTER)

test: .venv/installed-dev
	$(BIN)/python -m pytest -n auto --maxprocesses 4

faults: .venv/installed-dev
	$(BIN)/python tests/benchmarks/fault_campaign.py --fixed

lint: .venv/installed-dev
	$(BIN)/ruff format --check harness reports tests docs
	$(BIN)/ruff check harness reports tests docs
	$(BIN)/mypy
	$(BIN)/hadolint docker/Dockerfile
	$(BIN)/shellcheck .ci/run docker/*.sh
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker/compose*.yaml

docs: .venv/installed-docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky --quiet --fresh-env -j 2 docs build/docs

linkcheck: .venv/installed-docs
	$(BIN)/python -m sphinx -b linkcheck docs build/linkcheck

# Rewrites the tables of README.md from the registry; a test compares them.
readme: .venv/installed
	$(BIN)/python docs/_extension/evenhand_docs/readme.py

check: lint test faults docs

format: .venv/installed-dev
	$(BIN)/ruff format harness reports tests docs
	$(BIN)/ruff check --fix harness reports tests docs

benchmarks: .venv/installed-dev
	for script in tests/benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# Installing takes minutes, so each stamp stands until a file that it was made from changes.
.venv/created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Evenhand needs Python 3.11 to 3.13; say which: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv .venv
	touch $@

# The image is made by the same script.
.venv/installed: .venv/created pyproject.toml constraints.txt docker/install.sh
	docker/install.sh $(BIN)/python dependencies
	docker/install.sh $(BIN)/python code --editable .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.venv/installed-docs: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache

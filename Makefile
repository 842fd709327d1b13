# Every target sets up what is missing. Needed on the machine: Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test check nightly simulate bench bench-large bench-growth lock clean

run: $(STAMP) ## start Siyu on http://127.0.0.1:8000
	@$(BIN)/siyu run

test: $(STAMP) ## all tests but the nightly ones
	@$(BIN)/python -m pytest -n auto --dist worksteal

check: $(STAMP) ## format, lint, types, imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

nightly: $(STAMP) ## the long fault runs
	@$(BIN)/python -m pytest -m "nightly and not alone" -n auto --dist worksteal -o faulthandler_timeout=900
	@$(BIN)/python -m pytest -m alone -o faulthandler_timeout=900

simulate: $(STAMP) ## repeat one simulation, step by step: make simulate SEED=7
	@$(BIN)/python -m tests.simulation $(or $(SEED),$(error say which: make simulate SEED=7))

bench: $(STAMP) ## measure beside peers, and write docs/benchmarks.md: make bench ONLY="intake latency"
	@$(BIN)/python -m tests.benchmarks $(ONLY)

bench-large: $(STAMP) ## the same with large data sets, which are kept in .bench/; and how cost grows
	@$(BIN)/python -m tests.benchmarks --large $(ONLY)
	@$(if $(ONLY),,$(BIN)/python -m tests.benchmarks.growth)

bench-growth: $(STAMP) ## how cost grows, and write docs/growth.md: make bench-growth ONLY="page due"
	@$(BIN)/python -m tests.benchmarks.growth $(ONLY)

# --build-deps-for: setuptools itself, so that the editable install below needs nothing that is not pinned.
lock: $(STAMP) ## pin the newest versions that pyproject.toml allows
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --upgrade --extra dev --build-deps-for editable \
		--generate-hashes --allow-unsafe --strip-extras --quiet \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file requirements.lock pyproject.toml

clean: ## remove what this file made; the data folder stays
	@rm -rf $(VENV) build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# PYTHONWARNINGS: setuptools takes the data folders in bot/ for forgotten packages, at length, on every set-up.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Siyu needs Python 3.11 or newer: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (a minute or two, only when it changed) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes --requirement requirements.lock
	@PYTHONWARNINGS=ignore $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

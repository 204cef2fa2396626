PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
TOOLS := $(VENV)/ready-tools

BENCH := .bench
BENCH_BIN := $(BENCH)/venv/bin

# Where it is set, every Python that a test starts compiles the whole program again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run serve test quick lint types format bench bench-publish

help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /	/' | expand -t 10

run: $(READY)  ## demo the example app, then reload it at every save, with a phone in the browser
	@exec $(BIN)/python -m scripts.demo

serve: $(READY)  ## serve the example app with gunicorn; needs TWIML_CREDENTIALS
	@exec $(BIN)/gunicorn wsgi:app

test: $(TOOLS) lint types  ## everything: lint, types, every test, coverage of the core
	$(BIN)/python -m pytest -q -n auto --dist worksteal --cov --cov-report=
	@$(BIN)/python -m coverage report --fail-under=100 --include="$$($(BIN)/python -m tests.architecture.order)"

quick: $(TOOLS)  ## the everyday part of the tests
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"

lint: $(TOOLS)  ## ruff, style and format
	@$(BIN)/python -m ruff check .
	@$(BIN)/python -m ruff format --check .

types: $(TOOLS)  ## mypy, strict
	@$(BIN)/python -m mypy

format: $(TOOLS)  ## ruff: fix what it can fix, then format
	@$(BIN)/python -m ruff check --fix .
	@$(BIN)/python -m ruff format .

bench:  ## measure speed against the alternatives; under 15 minutes, needs wrk
	@$(PYTHON) -m benchmarks.wrk
	@$(MAKE) --no-print-directory $(BENCH)/ready $(BENCH)/ready-node
	@$(BENCH_BIN)/python -m benchmarks.bench $(ARGS)

bench-publish:
	@$(BENCH_BIN)/python -m benchmarks.publish

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "twiml_app needs Python 3.11 or later: make PYTHON=python3.12")'
	@echo "Installing twiml_app and what it needs to run into $(VENV): about 15 seconds, once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(TOOLS): $(READY)
	@echo "Adding the tools of the tests to $(VENV): about a minute, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

$(BENCH)/ready: setup.cfg benchmarks/requirements.txt
	@echo "Installing what is compared into $(BENCH): about a minute, once"
	@$(PYTHON) -m venv $(BENCH)/venv
	@$(BENCH_BIN)/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt -e '.[postgres]'
	@touch $@

$(BENCH)/ready-node: benchmarks/express/package.json
	@mkdir -p $(BENCH)/node && cp benchmarks/express/package.json $(BENCH)/node/
	@if ! command -v npm >/dev/null; then echo "npm is not installed: Express is left out"; \
	elif npm install --prefix $(BENCH)/node --no-audit --no-fund --silent; then touch $@; fi

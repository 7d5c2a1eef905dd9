# tradewright: every target sets up .venv from the pinned constraints when needed.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/pip --disable-pip-version-check --quiet
SERVE  ?= 1
PORT   ?= 8000

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all check bench serve ui docs format clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.core $(if $(filter 0,$(SERVE)),,ui)  ## run the shipped study, report, and serve the page (SERVE=0: stop after the report)
	@$(BIN)/tradewright demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve)

test: $(VENV)/.dev ui  ## run the tests (under 15 minutes on 2 cores)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

test-all: $(VENV)/.dev ui  ## run every test, the slow ones too
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(VENV)/.dev  ## check format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(VENV)/.dev  ## measure against the peers (installs them aside) and print the tables
	$(BIN)/python -m benchmarks

serve: $(VENV)/.core ui  ## serve the page and the API on stored results
	@$(BIN)/tradewright serve --port $(PORT)

ui: $(VENV)/.core  ## build the web page (takes Node.js from PyPI when there is none)
	@$(BIN)/python web/build.py

docs: $(VENV)/.dev  ## build the documentation into site/
	$(BIN)/mkdocs build --strict --quiet

format: $(VENV)/.dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

setup: $(VENV)/.dev  ## set up .venv for development

clean:  ## remove what was built (not your data)
	rm -rf $(VENV) .venv-peers* .cache site web/node_modules src/tradewright/api/ui

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tradewright needs Python 3.11 or newer; found $$($(PYTHON) --version). Give one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up $(VENV) (once, about two minutes)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install pip==26.3

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

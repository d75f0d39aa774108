# make demo   environment, models, a sample library, the whole pipeline, searches
# make test   environment, linters, types, layers, the whole suite
# make tour   pictures of every screen, docs/tour.md, and what the README shows
# make bench  every benchmark, each prints one ratio table

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LIBRARY ?=

# Tests wait as much as they compute: one process more than there are processors.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 8 ? n + 1 : 8)))

.PHONY: demo tour test suite lint bench format clean

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("dtk-tui needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	DTK_HOME="$(CURDIR)/demo" $(BIN)/dtk demo $(if $(LIBRARY),--library "$(LIBRARY)")

tour: $(STAMP)
	$(BIN)/python -m tour

test: $(STAMP)
	@$(MAKE) --no-print-directory -j 2 lint suite

suite: $(STAMP)
	$(BIN)/dtk models pull starter
	$(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal

# Formatting, style, types and layers.
lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	@for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build dist

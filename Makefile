# make demo   environment, models, a sample library, the whole pipeline, searches
# make test   environment, linters, types, layers, the whole suite
# make tour   pictures of every screen, docs/tour.md, and what the README shows
# make bench  every benchmark in a small size, one table of ratios into docs/dev/benchmarks.md; FULL=1: the large ones
# make audit  known faults of the pinned versions

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
AUDIT ?= .audit
LIBRARY ?=

# Tests wait as much as they compute: one process more than there are processors.
JOBS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 8 ? n + 1 : 8)))

.PHONY: demo tour test suite lint bench audit licences install-check format clean

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

# One table of ratios into docs/dev/benchmarks.md: small sizes, a few minutes; FULL=1: those of the figures in the docs.
bench: $(STAMP)
	$(BIN)/python benchmarks/every.py $(if $(FULL),--full)

# Known faults of the pinned versions; needs network. The program that asks has an environment of its own.
audit:
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(AUDIT)/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip --progress-spinner off --strict

# Writes docs/dev/licences.md from what is installed.
licences: $(STAMP)
	DTK_WRITE_GOLDEN=1 $(BIN)/python -m pytest tests/test_licences.py

# The wheel alone in empty environments: pip, pipx and uv, as root and not; PYTHON: one that everybody may run.
install-check:
	$(PYTHON) tests/install_from_wheel.py

clean:
	rm -rf $(VENV) build dist

# Every command a contributor needs; `make` alone lists them.
# Python itself, pip and make are the only tools that have to be there before `make install`.

PYTHON ?= python3
PIPELINE ?= titanic
# make lock UPGRADE=--upgrade moves every pin to its newest version; without it pins stay where they can.
UPGRADE ?=
# How often make torture kills each command, and how many files of each kind it mutates.
KILLS ?= 50
MUTATIONS ?= 500
ONLY ?=
SEED ?= 0

# Looks up the pinned packages in the database of known holes; in an environment of its own.
AUDIT := pip-audit@2.10.1

BIN := .venv/bin
STAMP := .venv/.installed
# Contents, not dates: a fresh clone, a touch or a change of branch and back must not reinstall anything.
FINGERPRINT := cat requirements.lock pyproject.toml | cksum

.DEFAULT_GOAL := help
.PHONY: help install environment fit test test-fast lint format bench torture ui lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: ## Make .venv with every package pinned (PYTHON=python3); skipped when nothing changed
	@test "$$(cat $(STAMP) 2>/dev/null)" = "$$($(FINGERPRINT))" || $(MAKE) --no-print-directory environment

# The stamp goes first and comes back last, so that an install that was interrupted is made again.
# A .venv that works is kept when the lock changes; to change its Python, delete it.
environment:
	@rm -f $(STAMP)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else \
		"Python 3.11, 3.12 or 3.13 is needed, but $(PYTHON) is %d.%d. Name another: make install PYTHON=python3.12" % v)'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing the packages of requirements.lock into .venv: about 3 GB, some minutes the first time."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(FINGERPRINT) > $(STAMP)

fit: install ## Fit a pipeline: make fit PIPELINE=wine (titanic unless said otherwise)
	$(BIN)/tabular-dl fit $(PIPELINE)

# Each file's tests stay together: they share what they have fitted. Files with slow tests come first (tests/conftest.py).
PYTEST := $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

test: install ## Run the whole test suite
	$(PYTEST)

test-fast: install ## Run the tests that are not slow: what a change most likely breaks
	$(PYTEST) -m "not slow"

lint: install ## Check format, style and types, and packages against known holes
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	@if $(BIN)/python -c 'import socket; socket.create_connection(("api.osv.dev", 443), 5)' 2>/dev/null; then \
		$(BIN)/uv tool run $(AUDIT) --requirement requirements.lock --disable-pip --vulnerability-service osv; \
	else \
		echo "pip-audit: skipped, since api.osv.dev, the source of advisories, cannot be reached."; \
	fi

format: install ## Rewrite the code in the project's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: install ## Run the benchmarks
	@for script in $(wildcard benchmarks/*.py); do echo "== $$script"; $(BIN)/python "$$script" || exit 1; done

# What docs/reliability.md reports. Chosen trials: make torture ONLY=search,disk KILLS=10
torture: install ## Kill, starve and race the commands, and check what is left (KILLS=50 MUTATIONS=500)
	$(BIN)/python -m tests.torture --kills $(KILLS) --mutations $(MUTATIONS) --only "$(ONLY)" --seed $(SEED)

ui: install ## Open the MLflow UI over all runs
	$(BIN)/tabular-dl ui

# One version of each package for all supported Pythons; markers say where a package is left out.
lock: install ## Pin the dependencies of pyproject.toml anew in requirements.lock
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --fork-strategy fewest \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --generate-hashes --quiet $(UPGRADE) \
		--output-file requirements.lock

clean: ## Delete runs, submissions, builds and caches; data/ and .venv stay
	rm -rf mlflow.db mlruns mlartifacts outputs submission*.csv build dist
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . \( -path ./.git -o -path ./.venv -o -path ./data \) -prune -o -name __pycache__ -prune -exec rm -rf {} +

# The map of Kesos: `make help`.
PYTHON ?= python3
FAMILIES ?=
BIN := .venv/bin
# Ruff has these rules of bandit too, and wants the reason for an exception on its line: bind-all, random, subprocess, SQL.
SAID_BY_RUFF := B104,B311,B404,B603,B608
READY := .venv/.ready

# What tests and users start reads compiled modules, whoever forbids this shell to keep them.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint fmt bench fuzz sbom

help: ## This map
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Start with a synthetic province: FAMILIES=20000, KESOS_PORT=8000; Ctrl-C stops it
	@$(BIN)/kesos demo $(if $(FAMILIES),--families $(FAMILIES))

# One process more than cores: tests wait a good part of their time for processes that they have started.
test: lint ## Lint, compare schema.graphql with the code, run all tests
	$(BIN)/kesos schema --check
	$(BIN)/pytest --numprocesses $$($(PYTHON) -c 'import os; print(os.cpu_count() + 1)') --dist loadfile

lint: $(READY) ## Style, types, import contracts, dependencies and what is known to be unsafe
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/bandit --quiet --recursive app bench migrations tools --skip $(SAID_BY_RUFF)
	$(BIN)/python -m tools.vulnerabilities

fmt: $(READY) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## Measure reads, writes and attacks beside pgbench into bench/RESULTS.md; SCALE=full: of a million families too
	$(BIN)/python -m bench

fuzz: $(READY) ## Ask every root field for whatever the schema allows, and pay aid in any order, for longer than make test does
	FUZZ_CASES=$(or $(CASES),1000) MONEY_CASES=$(or $(CASES),1000) $(BIN)/pytest tests/fuzz tests/bansos/test_money_is_conserved.py

sbom: $(READY) ## Write dist/kesos.cdx.json: every package of the environment, its licence and what needs it
	@mkdir -p dist
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-file dist/kesos.cdx.json $(BIN)/python

# The environment is made anew where the lock or the project's metadata is newer than it.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Kesos needs Python 3.11 or newer: install it, then run make again with PYTHON=python3.11." >&2; exit 1; }
	@echo "Installing what requirements.lock names into .venv; this happens once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

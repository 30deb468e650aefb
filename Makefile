# One vocabulary of tasks: the same names in README, hooks and CI.
SHELL := /bin/bash
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3.11
BIN := .venv/bin
STAMP := .venv/.installed
LINT_HOME := $(CURDIR)/.oi/lint

export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export DBT_SEND_ANONYMOUS_USAGE_STATS := false
export DAGSTER_DISABLE_TELEMETRY := 1

help: ## Show these tasks.
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv from requirements.lock.

$(STAMP): requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || python3 -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "Python 3.11 is required; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@$(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

lock: ## Resolve pyproject.toml into requirements.lock.
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra postgres --generate-hashes --no-emit-index-url --quiet --custom-compile-command 'make lock' --output-file requirements.lock

demo: setup ## Generate the demo company, run the whole graph, say what was found and where to look.
	@$(BIN)/oi demo

up: setup ## Start Dagster, MLflow and the console; Ctrl-C stops all three.
	@$(BIN)/oi up

test: setup ## Run all tests, on two processes; ARGS="tests/unit -k name" runs some.
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadscope --no-loadscope-reorder $(ARGS)

lint: setup ## Format check, lint, types, SQL style, dbt parse, Dagster definitions.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project --processes 2
	OI_HOME=$(LINT_HOME) $(BIN)/dg check defs

bench: setup ## Run the benchmarks and write benchmarks/RESULTS.md.
	@$(BIN)/python -m benchmarks.run $(ARGS)

soak: setup ## Kill every step 200 times at random moments and compare; hours. ARGS="--kills 20" for fewer.
	@$(BIN)/python -m benchmarks.soak $(ARGS)

clean: ## Remove what runs wrote: .oi/, caches, build leftovers. Keeps .venv.
	rm -rf .oi .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info dbt_project/target dbt_project/logs
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.PHONY: help setup lock demo up test lint bench soak clean

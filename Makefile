# Every target prepares what it needs: on a fresh clone `make run` or `make test` is the first and only command.
# All that is made lands in .lab. `make PYTHON=/path/to/python3.12 setup` chooses the interpreter.

PYTHON =
ARGS =
WORKERS = 2
BIN = .lab/venv/bin
PACKAGES = $(wildcard functions shared devhost gateway_agent drctl release tests function_app.py .ci/totals.py)
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))

.DEFAULT_GOAL = help
.PHONY: help setup run test check format lock package deploy lab simulate mutants chaos chaos-short chaos-load model terraform \
  checkov usage cost clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

setup: ## Install everything into .lab (needs Python 3.11 or 3.12; repeated runs take no time)
	@for python in $(PYTHON) python3.12 python3.11 python3 python; do \
	  if "$$python" -c '$(FITS)' >/dev/null 2>&1; then exec "$$python" -I devhost/setup.py; fi; \
	done; \
	echo "Python 3.11 or 3.12 is needed and neither was found on PATH. Choose one: make setup PYTHON=/path/to/python3.12" >&2; \
	exit 1

run: setup ## Start the lab in the foreground; Ctrl-C ends all of it (ARGS="--realtime" for true durations)
	@exec $(BIN)/python -m devhost up $(ARGS)

test: check ## Check, then run every test (ARGS="-k fence" narrows it down, WORKERS=0 runs one after the other)
	@rm -f .lab/junit.xml .lab/pytest.exit
	@$(BIN)/python -m pytest -n $(WORKERS) --junit-xml=.lab/junit.xml $(ARGS); code=$$?; echo $$code > .lab/pytest.exit; exit $$code

check: setup ## Formatting, lint, types, import contracts and the tidy test
	@$(BIN)/ruff format --check $(PACKAGES)
	@$(BIN)/ruff check --quiet $(PACKAGES)
	@$(BIN)/mypy $(PACKAGES)
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest tests/tidy

format: setup ## Rewrite the sources the way `make check` wants them
	@$(BIN)/ruff check --quiet --fix-only $(PACKAGES)
	@$(BIN)/ruff format --quiet $(PACKAGES)

lock: setup ## Write the lock files again from pyproject.toml (ARGS=--upgrade moves the pins)
	@$(BIN)/python devhost/lock.py $(ARGS)

package: setup ## Build the zip that Azure Functions runs into build/ and list it (for the Python version of the setup)
	@$(BIN)/python -m release.package $(ARGS)

deploy: setup ## Deploy a package: make deploy ARGS="--dry-run ..." (ARGS=--help lists what it needs)
	@exec $(BIN)/python -m release.deploy $(ARGS)

lab: setup ## Any command of the lab: make lab ARGS="kill gw-pro-primary" (ARGS=--help lists them)
	@exec $(BIN)/python -m devhost $(ARGS)

simulate: setup ## Failovers under seeded faults (SEEDS=200 chooses how many)
	@exec $(BIN)/python -m devhost simulate $(if $(SEEDS),--seeds $(SEEDS)) $(ARGS)

chaos: setup ## An hour of faults on real parts (MINUTES=, SEED=, ARGS="--hosts 2")
	@exec $(BIN)/python -m devhost chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos-short: setup ## Ten minutes of it
	@exec $(BIN)/python -m devhost chaos --minutes 10 $(if $(SEED),--seed $(SEED)) $(ARGS)

chaos-load: setup ## 10,000 tasks on four hosts through failovers and failbacks, with figures
	@exec $(BIN)/python -m devhost chaos --tasks 10000 $(if $(SEED),--seed $(SEED)) $(ARGS)

model: setup ## Check the protocol's models and their mutants with SPIN (ARGS="trace 28" tells how mutant 28 breaks)
	@$(BIN)/python -m docs.model.run $(ARGS)

mutants: setup ## Take out each safeguard in turn; a test must notice (ARGS="draining token" chooses by name)
	@$(BIN)/python -m tests.mutants $(ARGS)

terraform: ## Format, validate and test infra/terraform (needs terraform and its providers, so `make test` leaves it out)
	@command -v terraform >/dev/null || { echo "terraform 1.11 or later is needed and is not on PATH" >&2; exit 1; }
	@infra/check

checkov: setup ## Scan infra/terraform with checkov; what it leaves out is in infra/terraform/.checkov.yaml
	@$(BIN)/python -m devhost.checkov

usage: setup ## Count table requests and executions against the real stores (ARGS=--keep for the calculator)
	@exec $(BIN)/python -m devhost usage $(ARGS)

cost: setup ## Compute a month's cost from the counted usage (ARGS="--environments 2 --heartbeat 15")
	@exec $(BIN)/python -m devhost cost $(ARGS)

clean: ## Stop the lab and remove .lab and all caches
	@if [ -x $(BIN)/python ] && [ -f .lab/lab.json ]; then $(BIN)/python -m devhost down || true; fi
	@rm -rf .lab .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build
	@find . -name __pycache__ -type d -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

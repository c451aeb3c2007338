# `make demo` or `make test` alone is enough on a fresh machine with Python 3.11 and make.
PYTHON ?= python3.11
BIN := .venv/bin
# One thread for each of pytest's two workers: four threads on two cores are slower than two.
TESTS := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

.PHONY: install demo test test-all docs bench clean

install: .venv/.installed

# The stamp makes the second run instant; a changed pyproject.toml or constraints.txt installs again.
.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

# A folder of results is never overwritten, so an earlier demo makes room by hand of its maker: this file.
demo: install
	rm -rf demo-out
	$(BIN)/twincell demo --out demo-out

test: install lint
	$(TESTS) -m 'not slow'

# Coverage is reported, not chased.
# The properties of tests/robustness are tried with so many cases each, new ones every time.
test-all: install lint
	TWINCELL_EXAMPLES=10000 $(TESTS) --cov=twincell --cov-report=term:skip-covered

.PHONY: lint
lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# The site, in build/site; strict: a broken link or a docstring that does not fit its function stops it.
docs: install
	$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# make bench QUICK=1 JSON=FILE
bench: install
	$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

clean:
	rm -rf .venv demo-out build .pytest_cache .mypy_cache .ruff_cache .hypothesis

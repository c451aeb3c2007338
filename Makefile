# `make demo` or `make test` alone is enough on a fresh machine with Python 3.11 and make.
PYTHON ?= python3.11
BIN := .venv/bin
# One thread for each of pytest's two workers: four threads on two cores are slower than two.
TESTS := OMP_NUM_THREADS=1 $(BIN)/pytest -n 2

.PHONY: install develop demo test test-all docs bench clean

# What a person needs who counts; without a compiler, test tools or the baselines' packages.
install: .venv/.installed

# What a person needs who works on twincell itself.
develop: .venv/.developed

# The stamps make the second run instant; a changed pyproject.toml or constraints.txt installs again.
.venv/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

.venv/.developed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	touch .venv/.installed $@

# A folder of results is never overwritten, so an earlier demo makes room by hand of its maker: this file.
demo: install
	rm -rf demo-out
	$(BIN)/twincell demo --out demo-out

test: develop lint
	$(TESTS) -m 'not slow'

# Coverage is reported, not chased.
# The properties of tests/robustness are tried with so many cases each, new ones every time.
test-all: develop lint
	TWINCELL_EXAMPLES=10000 $(TESTS) --cov=twincell --cov-report=term:skip-covered

.PHONY: lint
lint: develop
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

# Small defects put in one at a time, each run against the tests that should see it; see tools/defects.yaml.
.PHONY: mutate
mutate: develop
	$(BIN)/python tools/mutate.py

# The site, in build/site; strict: a broken link or a docstring that does not fit its function stops it.
docs: develop
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# make bench QUICK=1 JSON=FILE
bench: develop
	$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick) $(if $(JSON),--json $(JSON))

# -- for a release -------------------------------------------------------------------------------------

.PHONY: wheel try-wheel lock sbom
wheel: develop
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir build/wheel .

# make try-wheel PYTHONS='python3.11 python3.12 python3.13'
PYTHONS ?= $(PYTHON)
try-wheel: wheel
	$(BIN)/python tools/try_wheel.py build/wheel/*.whl $(PYTHONS)

# Every package with the hashes of its files; see docs/howto/install.md.
lock: develop
	$(BIN)/pip install --quiet -c constraints.txt -e '.[release]'
	$(BIN)/python tools/lock.py

# build/sbom.cdx.json (CycloneDX) and docs/reference/licences.md, of what a person who counts installs.
sbom: develop
	$(BIN)/pip install --quiet -c constraints.txt -e '.[release]'
	$(BIN)/python tools/licences.py

clean:
	rm -rf .venv demo-out build .pytest_cache .mypy_cache .ruff_cache .hypothesis

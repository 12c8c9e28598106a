# Two commands do all the set-up, each alone: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
EXAMPLE := examples/breast

.PHONY: help demo test check format parity benchmark clean

help:
	@echo "make demo       set up, then report, diagnose and ask about the bundled example study"
	@echo "make test       set up, then run the test suite"
	@echo "make check      ruff, mypy and import-linter"
	@echo "make parity     compare the network with recorded outputs of the published one"
	@echo "make benchmark  speed against dense Qwen2-VL and the published expert loop"
	@echo "make clean      remove the virtual environment and caches"

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"EchoVLM needs Python 3.11 to 3.13, this is {v[0]}.{v[1]}; run: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m pip check
	@touch $@

demo: $(STAMP)
	$(BIN)/echovlm report $(EXAMPLE) --lang en
	$(BIN)/echovlm report $(EXAMPLE) --lang zh
	$(BIN)/echovlm diagnose $(EXAMPLE)
	$(BIN)/echovlm ask $(EXAMPLE) "Is there a focal lesion?"

# One process per core, each computing with one thread; the tests of a file stay together.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

parity: $(STAMP)
	$(BIN)/python -m pytest tests/parity -q

benchmark: $(STAMP)
	$(BIN)/python benchmarks/speed.py

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist

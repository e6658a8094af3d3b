# make demo, make test and make install each set up everything they need in .venv.

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable

.PHONY: install demo test lint teacher clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(INSTALLED)

# PyTorch is large and only the import of a PyTorch checkpoint needs it: the tests of that do.
$(TESTABLE): $(INSTALLED)
	$(VENV)/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,torch]'
	touch $(TESTABLE)

demo: $(INSTALLED)
	$(VENV)/bin/tf-handgroups demo --out demo_out --overwrite

test: $(TESTABLE)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# Lint, format and types; the types of an installed copy, where `convert` is in its place.
lint: $(INSTALLED)
	$(VENV)/bin/python -m pytest tests/test_static.py

# Only `tf-handgroups pseudo-label` needs it. The wheel of one platform serves all: it is read
# as data and never run, because its requirements contradict TensorFlow's.
teacher: .teacher/mediapipe

.teacher/mediapipe: | $(INSTALLED)
	$(VENV)/bin/python -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
	    --python-version 3.11 --platform manylinux2014_x86_64 --target .teacher mediapipe==0.10.14

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache

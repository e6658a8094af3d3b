# make demo, make test and make install each set up everything they need in .venv.

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
TESTABLE := $(VENV)/.testable

.PHONY: install demo test lint teacher peers variants arm64 parity-arm64 kotlin web web-build browser clean

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
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Lint, format and types; the types of an installed copy, where `convert` is in its place.
lint: $(INSTALLED)
	$(VENV)/bin/python -m pytest tests/test_static.py

# Only `tf-handgroups pseudo-label` and `make peers` need it. The wheel of one platform serves all: it is read
# as data and never run, because its requirements contradict TensorFlow's.
teacher: .teacher/mediapipe

.teacher/mediapipe: | $(INSTALLED)
	$(VENV)/bin/python -m pip install --disable-pip-version-check --no-deps --only-binary :all: \
	    --python-version 3.11 --platform manylinux2014_x86_64 --target .teacher mediapipe==0.10.14

# The shipped model beside MediaPipe's, on photographs that are not part of the project: docs/peers.md.
peers: teacher
	$(VENV)/bin/python -m benchmarks.peers --out peers_out --overwrite \
	    --real "$${HANDGROUPS_TEST_DATA:?the folder with real3d_dev and mmpose_samples}"
	cp peers_out/peers.md peers_out/peers.png docs

# An ARM64 system with an emulator, in .arm64: downloads 55 MB, needs Debian on x86, no root.
arm64: $(INSTALLED)
	$(VENV)/bin/python -m benchmarks.parity_arm64 --build

# The shipped models on ARM64 kernels against this machine's: exit code 3 if they differ.
parity-arm64: arm64
	$(VENV)/bin/python -m benchmarks.parity_arm64

# The Kotlin compiler, and a Java where none is installed, in .kotlin: no root. The tests of the Android
# library need it.
kotlin: $(INSTALLED)
	$(VENV)/bin/python -m tests.kotlin.toolchain

# The shipped network in all variants, on renders of common poses: docs/variants.md. About ten minutes.
VARIANTS := float32 float16 dynamic_int8 int8_mixed int16x8 int8

variants: $(INSTALLED)
	$(VENV)/bin/tf-handgroups synth --count 1200 --seed 2 --set everyday=1 --out variants_out/val
	$(VENV)/bin/python -m benchmarks.shipped_network --out variants_out/shipped.keras --overwrite
	$(VENV)/bin/tf-handgroups convert --model variants_out/shipped.keras --data synth:variants_out/val \
	    $(VARIANTS:%=--variant %) --validation 500 --accept-loss --out variants_out/converted --overwrite
	$(VENV)/bin/python -m benchmarks.variants_table variants_out/converted/report.json --out docs/variants.md

# The page that runs android_assets in a browser, served on this machine; no network is needed.
# Needs Node 20; a machine without it gets it as a Python wheel, in .browser.
WEB_PORT := 8000

web: web-build
	@echo "Open http://localhost:$(WEB_PORT), end with Ctrl-C"
	$(PYTHON) -m http.server $(WEB_PORT) --bind 127.0.0.1 --directory web/dist

web-build:
	$(PYTHON) -m web.toolchain page

# What the tests of the page need: Node, its packages, and a Chromium where there is none, which
# is downloaded from Debian's archive into .browser, without root.
browser:
	$(PYTHON) -m web.toolchain browser

clean:
	rm -rf $(VENV) .arm64 .kotlin .browser web/node_modules web/dist variants_out peers_out build dist
	rm -rf *.egg-info .pytest_cache .ruff_cache

# The doors of the house for people in a hurry. Everything real is in meson.build and tools/.
# What users run: optimised over all files, with line numbers for crash reports.
release = --buildtype=release -Ddebug=true -Db_lto=true

.PHONY: all run test bench lint clean

all:
	tools/need build
	test -f build/build.ninja || meson setup build $(release)
	ninja -C build usher

# usher on :8080 in front of three small backends; says what to try with curl.
run: all
	tools/demo

# Everything .ci/run does. Some of it only: tools/test unit e2e
test:
	tools/need build test lint cross
	tools/test

# usher and its peers side by side; writes bench/RESULTS.md.
bench:
	tools/need build
	bench/run

lint:
	tools/need build test lint
	tools/test lint

clean:
	rm -rf build build-*

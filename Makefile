# The doors of the house for people in a hurry. Everything real is in meson.build and tools/.
# What users run: optimised over all files, with line numbers for crash reports.
release = --buildtype=release -Ddebug=true -Db_lto=true

.PHONY: all help run test bench lint install clean

all:
	tools/need build
	test -f build/build.ninja || meson setup build $(release)
	ninja -C build usher docs/man/usher.conf.5
	@echo "build/usher is the program; make help tells what else there is"

help:
	@echo "make          builds build/usher"
	@echo "make run      starts it on :8080 (PORT=8081 make run) in front of three small backends"
	@echo "make install  puts it into /usr/local (DESTDIR=DIR make install: below DIR)"
	@echo "make test     all tests; some of them: tools/test unit e2e"
	@echo "make lint     what is judged without running it"
	@echo "make bench    usher, nginx and HAProxy side by side"
	@echo "make clean    takes away what was built"

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

# The program alone: "ninja -C build install" would build tests and benchmarks first.
install: all
	meson install -C build --no-rebuild

clean:
	rm -rf build build-*

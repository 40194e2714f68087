# SPDX-License-Identifier: GPL-2.0
#
# "make help" tells what there is.  Everything that is built is in build/; what is
# fetched for this machine (kernels, their headers) is in ~/.cache/seda.

KERNEL  ?= 6.1
PREFIX  ?= /usr/local
DESTDIR ?=
SMP     ?= 1
DEBUG   ?= kasan lockdep
# Some tests mostly wait.
LANES   ?= $(shell expr 1 + $$(nproc || echo 1))
MEM     ?= 1024
PORT    ?= 8080
DIR     ?= .
BACKEND ?= seda
MINUTES ?= 10

VERSION := 0.1.0
SOVER   := 0

B := build
# The module for the default kernel is where everybody looks for it.
KO_DIR := $(if $(filter 6.1,$(KERNEL)),$(B),$(B)/$(KERNEL))

WARNINGS := -Wall -Wextra -Wshadow -Wpointer-arith -Wvla -Wno-unused-parameter
CFLAGS   ?= -O2 -g
CSTRICT  := -std=gnu11 -D_GNU_SOURCE= $(WARNINGS) -Wstrict-prototypes \
	    -Wmissing-prototypes -Werror -pthread
# The harness's macros compare what they are given, of whatever type, and print it
# with NULL, and define functions.
CTEST     = -Wno-format-overflow -Wno-sign-compare -Wno-missing-prototypes -isystem $(dir $(KSELFTEST))
INCLUDES := -Iinclude -Iinclude/uapi -I.
# What a program needs of these is linked, nothing else is.
LIBS     := -Wl,--as-needed -lhttp_parser -luring -pthread

# --- what there is to build: found, not listed -------------------------------

KMOD_SRC := Kbuild $(wildcard kmod/*.[ch] include/uapi/linux/*.h)

LIB_SRC  := $(wildcard lib/*.c lib/*/*.c)
LIB_OBJ  := $(LIB_SRC:%.c=$(B)/obj/%.o)
LIB_MAP  := $(wildcard lib/libsedak.map)

# A C file is a program in these; any other directory below tools is one.
SINGLE_SRC  := $(wildcard tools/*.c tools/examples/*.c tools/bench/*.c)
SINGLE_BIN  := $(addprefix $(B)/bin/,$(basename $(notdir $(SINGLE_SRC))))
PROGRAM_DIR := $(filter-out examples bench,$(notdir $(patsubst %/,%,$(dir \
	       $(wildcard tools/*/main.c)))))
PROGRAM_BIN := $(addprefix $(B)/bin/,$(PROGRAM_DIR))
# The parts of the programs, for tests of one part.
PROGRAM_LIB := $(PROGRAM_DIR:%=$(B)/obj/tools/lib%.a)

TEST_SRC := $(wildcard $(addsuffix /*.c,$(addprefix tests/,unit kmod hostile stress planted)))
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(wildcard tests/fuzz-http/*.c))
FUZZ_SRC := $(patsubst %,tools/sedahttpd/%.c,request range path root cond httpdate)
ABI_BIN  := $(patsubst %.c,$(B)/%,$(wildcard tests/abi/*.c)) \
	    $(patsubst %.c,$(B)/%-m32,$(wildcard tests/abi/*.c)) \
	    $(patsubst %.cc,$(B)/%-cc,$(wildcard tests/abi/*.cc))
SEDAFUZZ_BIN := $(B)/tests/fuzz/seda-fuzz
SEDAFUZZ_LIB := $(B)/obj/tests/fuzz/libfuzz.a
KSELFTEST := $(B)/include/kselftest/kselftest_harness.h

LIBRARIES := $(if $(LIB_SRC),$(B)/libsedak.so $(B)/libsedak.a $(B)/sedak.pc)
PROGRAMS  := $(SINGLE_BIN) $(PROGRAM_BIN)

.PHONY: all module lib tools tests run test test-all test-debug debug-kernel bars coverage mutants \
	sanitize fuzz fuzz-http lint deps \
	show-cflags install uninstall clean help
.DELETE_ON_ERROR:
.SECONDARY:
.SECONDEXPANSION:

all: module lib tools
module: $(KO_DIR)/seda.ko
lib: $(LIBRARIES)
tools: $(PROGRAMS)
tests: $(TEST_BIN) $(ABI_BIN) $(SEDAFUZZ_BIN)

# --- the module ---------------------------------------------------------------

$(B)/seda.ko: $(KMOD_SRC) mk/module
	mk/module $(if $(KDIR),$(KDIR),6.1) $(B)

# Any other kernel: build/6.12/, build/kasan/, build/lockdep/, build/host/.
$(B)/host/seda.ko: $(KMOD_SRC) mk/module
	mk/module /lib/modules/$(shell uname -r)/build $(B)/host

$(B)/%/seda.ko: $(KMOD_SRC) mk/module
	mk/module $* $(B)/$*

# What tests/hostile/fault_load and fault_nth need besides.
$(B)/%/seda_inject.ko: $(wildcard tests/inject/*)
	tests/inject/build $*

# --- the library --------------------------------------------------------------

$(B)/obj/lib/%.o: lib/%.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CSTRICT) $(INCLUDES) -Ilib -fPIC -fvisibility=hidden \
		-MMD -MP -c -o $@ $<

$(B)/libsedak.a: $(LIB_OBJ)
	rm -f $@
	$(AR) rcs $@ $^

$(B)/libsedak.so: $(LIB_OBJ) $(LIB_MAP)
	$(CC) $(CFLAGS) $(LDFLAGS) -shared -Wl,-soname,libsedak.so.$(SOVER) \
		-Wl,-z,defs -Wl,-z,relro -Wl,-z,now \
		$(LIB_MAP:%=-Wl,--version-script=%) -o $@ $(LIB_OBJ) -luring -pthread
	ln -sf libsedak.so $(B)/libsedak.so.$(SOVER)

# What is installed has the PREFIX of then.
$(B)/sedak.pc: Makefile
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' \
		'includedir=$${prefix}/include' '' 'Name: sedak' \
		'Description: Internet services as graphs of stages' \
		'Version: $(VERSION)' 'Libs: -L$${libdir} -lsedak' \
		'Libs.private: -luring -pthread' 'Cflags: -I$${includedir}' >$@

# --- programs and tests -------------------------------------------------------

$(B)/obj/%.o: %.c Makefile | $$(if $$(findstring tests/,$$*),$(KSELFTEST))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CSTRICT) $(INCLUDES) $(if $(findstring tests/,$*),$(CTEST)) \
		-MMD -MP -c -o $@ $<

define SINGLE
$(B)/bin/$(basename $(notdir $(1))): $(B)/obj/$(basename $(1)).o $(B)/libsedak.a
endef
$(foreach src,$(SINGLE_SRC),$(eval $(call SINGLE,$(src))))

define PROGRAM
$(B)/bin/$(1): $(patsubst %.c,$(B)/obj/%.o,$(wildcard tools/$(1)/*.c)) $(B)/libsedak.a
$(B)/obj/tools/lib$(1).a: $(patsubst %.c,$(B)/obj/%.o,$(filter-out \
	tools/$(1)/main.c,$(wildcard tools/$(1)/*.c)))
endef
$(foreach dir,$(PROGRAM_DIR),$(eval $(call PROGRAM,$(dir))))

$(PROGRAMS):
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(PROGRAM_LIB):
	rm -f $@
	$(AR) rcs $@ $^

# A test may call the library's internals, and the parts of a program.
$(TEST_BIN): $(B)/%: $(B)/obj/%.o $(PROGRAM_LIB) $(SEDAFUZZ_LIB) $(filter %.a,$(LIBRARIES))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

# A fuzz target has what it tests in it, which libFuzzer is to see.
$(FUZZ_BIN): $(B)/%: %.c $(FUZZ_SRC) $(wildcard tools/sedahttpd/*.h tests/fuzz-http/*.h) Makefile
	@mkdir -p $(@D)
	clang-14 $(CFLAGS) $(CSTRICT) -fsanitize=fuzzer $(INCLUDES) -o $@ $< \
		$(FUZZ_SRC) $(LIBS)

# The fuzzer; tests/stress/fuzz.c is linked with its parts.
$(SEDAFUZZ_LIB): $(patsubst %.c,$(B)/obj/%.o,$(filter-out %/main.c,$(wildcard tests/fuzz/*.c)))
	rm -f $@
	$(AR) rcs $@ $^

$(SEDAFUZZ_BIN): $(B)/obj/tests/fuzz/main.o $(SEDAFUZZ_LIB)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -pthread

# Their text is part of it.
$(B)/obj/tests/fuzz/text.o: $(wildcard tests/fuzz/box.[ch] tests/fuzz/calls_*.c)

# The ABI tests know the header only, and are compiled in every way.
$(B)/tests/abi/%: tests/abi/%.c Makefile $(KSELFTEST)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(CSTRICT) $(INCLUDES) $(CTEST) -MMD -MP -o $@ $<

$(B)/tests/abi/%-m32: tests/abi/%.c Makefile $(KSELFTEST)
	@mkdir -p $(@D)
	$(CC) -m32 $(CFLAGS) $(CSTRICT) $(INCLUDES) $(CTEST) -MMD -MP -o $@ $<

$(B)/tests/abi/%-cc: tests/abi/%.cc Makefile
	@mkdir -p $(@D)
	$(CXX) $(CFLAGS) -std=c++17 $(WARNINGS) -Werror $(INCLUDES) -MMD -MP -o $@ $<

$(KSELFTEST): Makefile
	@mkdir -p $(@D)
	cp "$$(tests/vm/source)"/tools/testing/selftests/kselftest*.h $(@D)/
	@# tests/run keeps the time; half a minute is short under emulation.  What a
	@# FIXTURE_SETUP() skips is not run.
	sed -i -e 's/TEST_TIMEOUT_DEFAULT 30/TEST_TIMEOUT_DEFAULT 3600/' \
		-e 's/if (!_metadata->passed) /if (!_metadata->passed || _metadata->skip) /' $@

-include $(shell find $(B)/obj $(B)/tests -name '*.d' 2>/dev/null)

# --- to do something with it --------------------------------------------------

run: deps
	@$(MAKE) --no-print-directory -s $(if $(filter seda,$(BACKEND)),all,tools)
	@mk/serve --dir "$(DIR)" --port "$(PORT)" --backend "$(BACKEND)" \
		--smp "$(SMP)" --mem "$(MEM)" --kernel "$(KERNEL)"

test: deps
	@tests/run --kernel "$(KERNEL)" --smp "$(SMP)" --lanes "$(LANES)" \
		$(addprefix --also ,$(DEBUG))

test-all: deps
	@tests/run --group unit --group kmod --group hostile --group stress \
		--smp "$(SMP)" --lanes "$(LANES)" --kernel 6.1 --kernel 6.1-rt \
		--kernel 6.12 --kernel 6.12-rt --kernel 7.2 --kernel 7.2-rt

test-debug: deps
	@SEDA_RACES=each tests/run --debug kasan --debug lockdep --debug kcsan --smp "$(SMP)" \
		--lanes "$(LANES)" --group kmod --group hostile --group stress --group e2e

debug-kernel:
	tests/vm/debug-kernel kasan
	tests/vm/debug-kernel lockdep
	tests/vm/debug-kernel kcsan

mutants: deps
	@tests/mutants

bars: deps
	@tests/bars

coverage: deps
	@tests/coverage

sanitize: deps
	@tests/run --group san

fuzz-http: deps
	@SEDA_FUZZ_MINUTES="$(MINUTES)" tests/san/fuzz.sh

fuzz:
	@tests/fuzz/run --kernel "$(KERNEL)" --minutes "$(MINUTES)"

lint:
	@tests/run --group lint

deps:
	@tests/vm/deps

# For tests/lint.
show-cflags:
	@echo '$(CSTRICT) $(INCLUDES) $(CTEST)'

# --- installing ---------------------------------------------------------------

# For KDIR's kernel, else the one that runs if its headers are here, else build/'s.
HOST_BUILD := $(wildcard /lib/modules/$(shell uname -r)/build/Makefile)
HOST_KO := $(if $(KDIR),$(B)/seda.ko,$(if $(HOST_BUILD),$(B)/host/seda.ko,$(B)/seda.ko))

install: $(HOST_KO) lib tools
	@mk/install install "$(DESTDIR)" "$(PREFIX)" "$(HOST_KO)" "$(SOVER)" "$(VERSION)" $(PROGRAM_DIR)

uninstall:
	@mk/install uninstall "$(DESTDIR)" "$(PREFIX)" "$(HOST_KO)" "$(SOVER)" "$(VERSION)" $(PROGRAM_DIR)

clean:
	rm -rf $(B)

#: make                build/seda.ko, build/libsedak.{so,a}, build/bin/*
#: make run            serve DIR=. on PORT=8080: seda in a virtual machine with
#:                     SMP=1 CPUs and MEM=1024 MB; BACKEND=epoll: on this host
#: make test           every test; KERNEL=6.1, 6.1-rt, 6.12, 7.2 ..., SMP=1; those of
#:                     the module on DEBUG="kasan lockdep", too (DEBUG= : not);
#:                     LANES=3 at a time (else one more than CPUs)
#: make test-all       unit, kmod, hostile and stress on 6.1, 6.12 and 7.2, each
#:                     generic and real-time
#: make test-debug     kmod, hostile, stress and planted bugs on the KASAN, lockdep
#:                     and KCSAN kernels; failing allocations on the first
#: make debug-kernel   build those three (20 minutes, once)
#: make bars           the long measures in full, hours of them (tests/bars.txt)
#: make coverage       what of kmod/ the tests run, on the KASAN kernel
#: make mutants        break the sources line by line: do the tests notice?
#: make sanitize       libsedak and sedahttpd under ASan, UBSan and TSan
#: make fuzz           calls on the device by chance, for MINUTES=10; KERNEL=kasan,
#:                     lockdep, kcsan or as above
#: make fuzz-http      sedahttpd's parsers, for MINUTES=10
#: make lint           the checks of the sources alone
#: make deps           install the Debian packages that are missing
#: make install        DESTDIR=, PREFIX=/usr/local; then modprobe seda
#: make uninstall      what make install installed
#: make clean          remove build/
#:
#: KDIR=DIRECTORY builds build/seda.ko for the kernel that was built there, and
#: make install installs that one.
#: tests/run --help and tests/vm/run --help tell how to run less than everything.
help:
	@sed -n 's/^#: \{0,1\}//p' Makefile

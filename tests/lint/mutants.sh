#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The mutants of tests/mutants-*.txt are of the sources as they are now.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh

check "each mutant can be applied" tests/mutants --check
check "each bug for the fuzzer, too" tests/mutants --fuzz 1 --check
finish

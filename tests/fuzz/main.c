// SPDX-License-Identifier: GPL-2.0
/* The fuzzer by itself; see fuzz.c. */
#include "tests/fuzz/fuzz.h"

int main(int argc, char **argv)
{
	return fuzz_main(argc, argv);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --turns --timeout 600
 *
 * Programs of calls made by chance, from a seed that is told, and the corpus:
 * no report, no hang, and at least 40 % of the calls succeed (tests/fuzz).
 * SEDA_SEED and SEDA_COUNT change the seed and the count of calls.
 */
#include "tests/fuzz/fuzz.h"

int main(void)
{
	const char *seed = getenv("SEDA_SEED"), *count = getenv("SEDA_COUNT");
	const char *debug = getenv("SEDA_DEBUG"), *top = getenv("SEDA_TOP");
	char corpus[512], *argv[10] = { "fuzz" };
	int argc = 1;

	/* a run of tests/run tells where it is */
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus", top ? top : ".");
	argv[argc++] = "--corpus";
	argv[argc++] = corpus;
	argv[argc++] = "--calls";
	argv[argc++] = (char *)(count && *count ? count :
				debug && *debug ? "50000" : "200000");
	if (seed && *seed) {
		argv[argc++] = "--seed";
		argv[argc++] = (char *)seed;
	}
	return fuzz_main(argc, argv);
}

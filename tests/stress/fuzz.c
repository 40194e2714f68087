// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --turns --timeout 600
 *
 * Programs of calls made by chance, and the corpus: no report, no hang, and at
 * least 40 % of the calls succeed (tests/fuzz).  The seed is always the same, so
 * that a change which fails here is to blame; make fuzz looks further.
 * SEDA_SEED and SEDA_COUNT change the seed and the count of calls.
 */
#include "tests/fuzz/fuzz.h"

int main(void)
{
	const char *seed = getenv("SEDA_SEED"), *count = getenv("SEDA_COUNT");
	const char *top = getenv("SEDA_TOP");
	char corpus[512], *argv[10] = { "fuzz" };
	int argc = 1;

	/* a run of tests/run tells where it is */
	snprintf(corpus, sizeof(corpus), "%s/tests/fuzz/corpus", top ? top : ".");
	argv[argc++] = "--corpus";
	argv[argc++] = corpus;
	argv[argc++] = "--calls";
	argv[argc++] = (char *)(count && *count ? count : "50000");
	argv[argc++] = "--seed";
	argv[argc++] = (char *)(seed && *seed ? seed : "1");
	return fuzz_main(argc, argv);
}

// SPDX-License-Identifier: GPL-2.0
/*
 * What of the module a call ran, by KCOV: pairs of places that came one after
 * the other (edges), kept for all runs together.  Each thread has its own trace.
 */
#include "tests/fuzz/fuzz.h"

#define KCOV		"/sys/kernel/debug/kcov"
#define KCOV_INIT	_IOR('c', 1, unsigned long)
#define KCOV_ENABLE	_IO('c', 100)
#define KCOV_WORDS	(1 << 14)

static int trace_fd[NR_THREADS] = { -1, -1, -1 };
static uint64_t *trace[NR_THREADS];
static __thread bool tracing;

/* Before the threads start; false: this kernel has none. */
bool cover_start(void)
{
	unsigned int i;

	for (i = 0; i < NR_THREADS; i++) {
		trace_fd[i] = open(KCOV, O_RDWR | O_CLOEXEC);
		if (trace_fd[i] < 0 ||
		    ioctl(trace_fd[i], KCOV_INIT, (unsigned long)KCOV_WORDS))
			return false;
		trace[i] = mmap(NULL, KCOV_WORDS * 8, PROT_READ | PROT_WRITE,
				MAP_SHARED, trace_fd[i], 0);
		if (trace[i] == MAP_FAILED) {
			trace[i] = NULL;
			return false;
		}
	}
	return true;
}

void cover_begin(unsigned int thread)
{
	if (!trace[thread])
		return;
	/* a thread that took another's place goes on with its trace */
	if (!tracing)
		tracing = !ioctl(trace_fd[thread], KCOV_ENABLE, 0UL);
	__atomic_store_n(&trace[thread][0], 0, __ATOMIC_RELAXED);
}

static uint64_t mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15ULL;
	return x ^ x >> 29;
}

static void note_pc(uint64_t pc)
{
	unsigned int at = mix(pc) % NR_PCS, tries;

	for (tries = 0; tries < 64; tries++, at = (at + 1) % NR_PCS) {
		if (shared->pc[at] == pc)
			return;
		if (shared->pc[at])
			continue;
		shared->pc[at] = pc;
		__atomic_add_fetch(&shared->nr_pcs, 1, __ATOMIC_RELAXED);
		return;
	}
}

/* Since cover_begin(): how many edges are new. */
unsigned int cover_end(unsigned int thread)
{
	uint64_t nr, i, last = 0, pc;
	unsigned int edge, found = 0;

	if (!trace[thread] || !tracing)
		return 0;
	nr = __atomic_load_n(&trace[thread][0], __ATOMIC_RELAXED);
	for (i = 1; i <= nr && i < KCOV_WORDS; i++) {
		pc = trace[thread][i];
		edge = mix(pc ^ last << 7) >> 3 & (NR_EDGES - 1);
		last = pc;
		if (shared->edge[edge])
			continue;
		shared->edge[edge] = 1;
		note_pc(pc);
		found++;
	}
	__atomic_add_fetch(&shared->nr_edges, found, __ATOMIC_RELAXED);
	return found;
}

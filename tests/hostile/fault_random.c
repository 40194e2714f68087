// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --kmemleak --timeout 300
 *
 * A hundred thousand calls (SEDA_COUNT) at random, in which 60 or 10 percent of
 * all allocations fail, of slabs and of pages: several in one call, so that
 * fallbacks fail, too.  The apps can be used afterwards, and nothing is left.
 */
#include <inttypes.h>

#include "tests/lib/fault_scene.h"

/* Calls on one app; with so many sources it is replaced. */
#define ROUND		500
#define SOURCES		48

struct tally {
	unsigned long calls, no_memory;
	int line;
};

/* xorshift64* */
static uint32_t chance(uint64_t *state, uint32_t below)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (*state * 2685821657736338717ULL >> 33) % below;
}

static bool one_call(struct scene *s, int fail, uint64_t first,
		     uint64_t *state, struct tally *t)
{
	const struct call *c = &calls[chance(state, CALLS)];
	struct worker *w = &s->l.r.w;
	unsigned int i;
	int ret;

	if (c->flags & CALL_ENDS)
		return true;
	/* one of those that calls made, or the one of the stage */
	i = chance(state, SCENE_IDS + 1);
	s->l.id = i < SCENE_IDS && s->ids[i] ? s->ids[i] : first;
	for (i = 0; i < 4; i++)
		w->ctl[i].flags = chance(state, 4);
	if (c->prepare && !c->prepare(s))
		return true;
	if (pwrite(fail, "1", 1, 0) != 1)
		return false;
	ret = c->run(s);
	if (pwrite(fail, "0", 1, 0) != 1)
		return false;
	t->calls++;
	t->no_memory += ret == -ENOMEM;
	return true;
}

/* Sources go by themselves, or by the calls; these need room for the check. */
static bool make_room(struct scene *s)
{
	return prepare_no_pool(s) && prepare_no_stage(s);
}

/* In a child. */
static int one_round(uint64_t *state, struct tally *t)
{
	static struct scene s;
	const struct life_stage *stage = &life_stages[chance(state,
							     LIFE_STAGES)];
	uint64_t first;
	int fail, line, i;

	line = stage->set_up(&s.l);
	if (line)
		return line;
	first = s.l.id;
	fail = open(FAULT_TASK, O_RDWR | O_CLOEXEC);
	MUST(fail >= 0);
	for (i = 0; i < ROUND; i++) {
		MUST(one_call(&s, fail, first, state, t));
		if (s.l.r.app.counters->sources > SOURCES)
			break;
	}
	MUST(make_room(&s));
	line = scene_usable(&s);
	app_close(scene_app(&s));
	return line;
}

/* False: it went wrong. */
static bool run_round(uint64_t seed, struct tally *t)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		signal(SIGPIPE, SIG_IGN);
		t->line = one_round(&seed, t);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		ksft_print_msg("the child ended with %x\n", status);
	else if (t->line)
		ksft_print_msg("line %d\n", t->line);
	else if (!await_gone())
		ksft_print_msg("the app is not gone\n");
	else
		return true;
	ksft_print_msg("in the round of seed %" PRIu64 "\n", seed);
	return false;
}

int main(void)
{
	struct tally *t = fault_calls_begin(2);
	const char *text = getenv("SEDA_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 0) : now_ns() | 1;
	unsigned long wanted, rounds = 0;
	bool right = true;

	text = getenv("SEDA_COUNT");
	wanted = text ? strtoul(text, NULL, 0) : 100000;
	ksft_print_msg("SEDA_SEED=%" PRIu64 "\n", seed);
	while (right && t->calls < wanted) {
		int percent = rounds++ % 3 ? 60 : 10;

		right = fault_chance("failslab", percent) &&
			fault_chance("fail_page_alloc", percent) &&
			run_round(seed + rounds * 2, t);
	}
	fault_setup();
	ksft_print_msg("%lu calls on %lu apps, %lu without memory\n", t->calls,
		       rounds, t->no_memory);
	ksft_test_result(right, "apps can be used after %lu calls\n", t->calls);
	ksft_test_result(t->no_memory > t->calls / 100, "calls did fail\n");
	return fault_calls_end();
}

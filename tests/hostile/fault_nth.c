// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --kmemleak --timeout 300
 *
 * Every call, on an app at every stage of an event's life, is repeated with the
 * first, the second, the third ... allocation or copy in it failing, until it
 * comes through without a failure.  Each time the error is one that the header
 * names, what failed made nothing, the app can be used, and nothing is left.
 * In the end every place in the module where something can fail has failed.
 */
#include "tests/lib/fault_scene.h"
#include "tests/lib/fault_sites.h"

/* No call has so many places that can fail. */
#define MOST	400
/* Sequences: a call at a stage, with one place after the other failing. */
#define FEWEST	200
/* Places in the module, or its list is wrong. */
#define FEWEST_SITES	35
/* Times that those calls are repeated of which each has its own places. */
#define ROUNDS		5

static int sequences_run, injected_in_all;

struct nth {
	int fd;
	unsigned int n;
};

static bool nth_on(void *with)
{
	struct nth *nth = with;

	nth->fd = fault_open();
	return nth->fd >= 0 && fault_arm(nth->fd, nth->n);
}

static bool nth_off(void *with)
{
	return fault_disarm(((struct nth *)with)->fd);
}

/* The number of places that failed, or -1. */
static int sequence(const struct life_stage *stage, const struct call *c,
		    struct outcome *o)
{
	struct nth nth = { .n = 1 };
	struct fault_way way = { nth_on, nth_off, &nth };
	int normal;

	if (!scene_try(stage, c, NULL, o))
		return -1;
	normal = o->result;
	if (normal < 0 && !call_may_refuse(c, normal)) {
		ksft_print_msg("without a failure it is %d\n", normal);
		return -1;
	}
	for (; nth.n <= MOST; nth.n++) {
		if (!scene_try(stage, c, &way, o))
			break;
		if (!o->injected)
			return nth.n - 1;
		if (o->result < 0 && o->result != normal &&
		    !call_may_fail(c, o->result)) {
			ksft_print_msg("result %d\n", o->result);
			break;
		}
	}
	ksft_print_msg("failure %u of %s; normally it is %d\n", nth.n,
		       c->name, normal);
	return -1;
}

static void try_sequence(const struct life_stage *stage, const struct call *c,
			 struct outcome *o)
{
	int n = sequence(stage, c, o);

	if (n > 0) {
		sequences_run++;
		injected_in_all += n;
	}
	ksft_test_result(n >= 0, "%s at %s, %d failures\n", c->name,
			 stage->name, n);
}

static bool again_failed;

static void try_again(const struct life_stage *stage, const struct call *c,
		      struct outcome *o)
{
	if (!(c->flags & CALL_EVERYWHERE) && sequence(stage, c, o) < 0)
		again_failed = true;
}

/*
 * The number of places, or -1 if one did not fail.  Some may have been stepped over: a
 * call allocates more at one time, where a slab is empty, than at another.
 */
static int every_site(struct outcome *o)
{
	int i, all, missing = sites_missing(&all);
	bool ended;

	for (i = 0; i < ROUNDS && missing > 0; i++) {
		each_sequence(try_again, o);
		missing = sites_missing(&all);
	}
	ended = sites_end();
	return missing || again_failed || !ended ? -1 : all;
}

int main(void)
{
	bool all = !getenv("SEDA_CALL");
	struct outcome *o = fault_calls_begin(sequences() + 2 + all);

	ksft_test_result(sites_begin(), "places are kept\n");
	each_sequence(try_sequence, o);
	ksft_test_result(sequences_run >= (all ? FEWEST : 1),
			 "%d sequences to their end, %d failures\n",
			 sequences_run, injected_in_all);
	if (all) {
		int sites = every_site(o);

		ksft_test_result(sites >= FEWEST_SITES,
				 "every place in the module fails (%d)\n", sites);
	}
	return fault_calls_end();
}

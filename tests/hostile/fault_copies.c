// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --kmemleak --timeout 200
 *
 * Every copy from and to user space fails, in every call at every stage of an
 * event's life: -EFAULT, and nothing was made, lost or left.
 */
#include <stdatomic.h>

#include "tests/lib/fault_scene.h"

/*
 * Who asked for failures cannot end them: that takes a copy.  A second thread,
 * which did not ask, does it; until then the first one only yields.
 */
struct switching {
	int fd;
	pthread_t thread;
	atomic_int wanted;	/* percent */
	atomic_int done;
};

static void *switch_thread(void *arg)
{
	struct switching *s = arg;

	for (;;) {
		if (s->wanted == s->done) {
			sched_yield();
			continue;
		}
		if (!fault_chance("fail_usercopy", s->wanted))
			_exit(1);
		s->done = s->wanted;
	}
	return NULL;
}

static void switch_to(struct switching *s, int percent)
{
	s->wanted = percent;
	while (s->done != percent)
		sched_yield();
}

static bool copies_on(void *with)
{
	struct switching *s = with;

	s->wanted = 0;
	s->done = 0;
	if (pthread_create(&s->thread, NULL, switch_thread, s))
		return false;
	s->fd = open(FAULT_TASK, O_RDWR | O_CLOEXEC);
	if (s->fd < 0 || pwrite(s->fd, "1", 1, 0) != 1)
		return false;
	switch_to(s, 100);
	return true;
}

static bool copies_off(void *with)
{
	struct switching *s = with;

	switch_to(s, 0);
	return pwrite(s->fd, "0", 1, 0) == 1;
}

static void try_sequence(const struct life_stage *stage, const struct call *c,
			 struct outcome *o)
{
	struct switching s;
	struct fault_way way = { copies_on, copies_off, &s };
	bool right = scene_try(stage, c, &way, o);

	if (right && o->result != (c->flags & CALL_NO_COPY ? 0 : -EFAULT)) {
		ksft_print_msg("result %d\n", o->result);
		right = false;
	}
	ksft_test_result(right, "%s at %s\n", c->name, stage->name);
	/* the child may have died with failures on */
	if (!right)
		fault_chance("fail_usercopy", 0);
}

int main(void)
{
	struct outcome *o = fault_calls_begin(sequences());

	each_sequence(try_sequence, o);
	return fault_calls_end();
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Data that comes while a source is idle, linked or owned, by stores that are
 * late: none of it is left lying, and no two workers have the source at once.
 */
#define PRODUCERS	2
#define WORKERS		2
#define NPROC		(PRODUCERS + WORKERS + 1)
#define DATA(p)		(p)
#define NLOC		PRODUCERS
#define NHELD		1
#define FIRST		{ 0, 0 }
#define COPY(to, from)	skip

#define READY		(mem[0] || mem[1])
#define CLOSE		skip
#define UNSTALL		skip
/* Takes what one of them brought; looks whether there is more. */
#define PUMP \
	atomic { \
		if \
		:: mem[0] -> mem[0] = mem[0] - 1; n = 1; \
		:: else -> n = (mem[1] > 0); mem[1] = mem[1] - n; \
		fi \
	} \
	if \
	:: n && READY -> state = state | AGAIN; \
	:: else \
	fi

#include "memory.pml"
#include "source.pml"

#define LOCALS	byte n, old; bool linked, was, hold, taken, mine

active [PRODUCERS] proctype Producer() {
	byte i;
	bool linked;

	for (i : 1 .. ITEMS) {
		ADD(DATA(_pid));
		seda_source_kick();
	}
}

active [WORKERS] proctype Worker() {
	LOCALS;

	do
	:: seda_stage_pop();
		seda_source_pump();
		if
		:: n -> seda_slot_release(); n = 0;
		:: else
		fi
	od
}

active proctype Creator() {
	LOCALS;

	seda_source_start();
}

active proctype Memory() {
	do
	:: d_step { late[0] -> TAKE_LATE(0); }
	:: d_step { late[1] -> TAKE_LATE(1); }
	od
}

active proctype Quiet() {
	timeout;
	assert(state == IDLE && !READY && ref == 1);
	assert(!pumps && !on_list && !pending);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A connection that two workers serve, hold and close, while others who know its
 * id close and release it: it ends once, and is not used after that.
 */
#define HAS_FILE	0
#define CLOSE		seda_sock_detach()
#define PUMP		d_step { USE; n = data; data = false; }

#include "ends.pml"
#include "sock.pml"

/* What the application does with an event before it gives it back. */
inline handle() {
	if
	:: skip;
	:: hold = true;
	:: !killed -> seda_source_close(false);
	:: !killed -> seda_source_close(true);
		assert(killed || closing);
	fi
}

/* A worker that has the source, or had it, or not, and knows its id. */
inline by_id() {
	seda_source_get();
	if
	:: found ->
		if
		:: true -> seda_source_close(false);
		:: true -> seda_source_close(true);
		:: true -> seda_source_unhold();
		fi;
		seda_source_put();
		found = false;
	:: else
	fi
}

byte calls = CALLS;

active [2] proctype Worker() {
	LOCALS;

	do
	:: d_step { calls -> calls--; }
		by_id();
	:: seda_stage_pop();
		seda_source_pump();
		if
		:: n ->
			handle();
			seda_slot_release();
			d_step { n = 0; hold = false; }
		:: else
		fi
	od
}

active proctype Other() {
	LOCALS;

	by_id();
}

active proctype Network() {
	bool linked;

	data = true;
	atomic { !queue_locked -> queue_locked = true; }
	if
	:: waiting -> seda_sock_wake();
	:: else
	fi;
	queue_locked = false;
}

active proctype Creator() {
	LOCALS;

	seda_source_start();
}

active proctype Quiet() {
	timeout;
	assert(!on_list && !pending && !readers && !queue_locked);
	if
	:: killed -> assert(ends == 1 && freed && !waiting && !credit && !pumps);
	:: held_bit -> assert((state & ~AGAIN) == OWNED && ref == 2 && pumps == 1);
	:: else -> assert(state == IDLE && ref == 1 && !data && !asked && !pumps);
	fi
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The app goes: no calls, no workers; what is idle, linked or held ends, while
 * the socket still calls back.
 */
#define HAS_FILE	1
#define CLOSE		seda_sock_detach()
#define PUMP		skip

#include "ends.pml"
#include "sock.pml"

inline seda_stage_drop_ready() {
	if
	:: on_list ->
		d_step { on_list = false; pending--; }	/* [drop-take] */
		state = state & ~STATE;	/* [drop-state] */
		seda_source_put();	/* [drop-put] */
	:: else
	fi
}

inline seda_sources_release() {
	atomic { USE; ref++; }	/* [sources-ref] */
	seda_source_kill();	/* [sources-kill] */
	USE;
	if
	:: (state & STATE) == OWNED ->	/* [sources-held] */
		d_step { pumps--; }
		seda_source_put();	/* [sources-held-put] */
	:: else
	fi;
	seda_source_put();	/* [sources-put] */
	seda_stage_drop_ready();	/* [sources-drop] */
}

active proctype Release() {
	LOCALS;

	if
	:: true -> seda_source_start();
	:: true -> seda_slot_hold();
	fi;
	seda_sources_release();
}

active proctype Network() {
	bool linked;

	do
	:: sk_gone -> break;
	:: else ->
		data = true;
		atomic { !queue_locked -> queue_locked = true; }
		if
		:: waiting -> assert(inode_refs > 0); seda_sock_wake();
		:: else
		fi;
		queue_locked = false;
	od
}

active proctype Closer() {
	bool linked;

	file_refs--;
	if
	:: mark -> seda_mark_event();
	:: else
	fi;
	sk_gone = true;
	inode_refs--;
}

active proctype Quiet() {
	timeout;
	assert(killed && freed && !waiting && !mark && !pumps);
	assert(!on_list && !pending && !inode_refs);
}

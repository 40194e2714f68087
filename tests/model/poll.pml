/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Somebody polls the descriptor while work appears: he sees it, or is woken.  His
 * place in the queue is seen late by others, until he executes a full barrier; that of
 * the other side is a part of linking.
 */
bool pending, queued, late, woken, over;

inline seda_poll() {
	late = true;	/* [poll-wait] */
	d_step { queued = late; }	/* [poll-barrier] */
	seen = pending;	/* [poll-work] */
}

inline seda_app_poke() {
	if
	:: queued ->	/* [poke-active] */
		woken = true;	/* [poke-queue] */
	:: else
	fi
}

active proctype Poller() {
	bool seen;

	seda_poll();
	if
	:: seen
	:: else -> woken
	fi;
	over = true;
}

active proctype Cache() {
	late -> queued = true;
}

active proctype Linker() {
	pending = true;
	seda_app_poke();
}

active proctype Quiet() {
	timeout;
	assert(over);
}

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Data and the FIN arrive, while a worker looks whether all has been received: it does
 * not take data for none because it saw the FIN.  The peer's two stores come in order:
 * x86 sees to that, tcp_fin() does not.
 */
bool data, fin, shut, none;

inline seda_tcp_at_end() {
	shut = fin;	/* [end-shut] */
	skip;	/* [end-barrier] */
	none = !data;	/* [end-none] */
}

active proctype Peer() {
	data = true;
	fin = true;
}

active proctype Worker() {
	seda_tcp_at_end();
	assert(!(shut && none));
}

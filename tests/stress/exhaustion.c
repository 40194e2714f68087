// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 4 --timeout 300
 *
 * When receive buffers or credits run out, connections stall and go on, and
 * nothing is lost: 64 connections with 4 buffers, or with 3 credits, or both
 * and with events held and buffers kept for other workers to give back.
 */
#include "tests/stress/numbered.h"

/* A source that was resumed and then wants no buffer must not be the last. */
static void resumed_but_closed(void)
{
	struct seda_setup_args setup = { .bufs = 1 };
	int a[2], b[2], c[2], n, i, got = 0, closed = 0, tries = 50;
	uint64_t stage, source[3];
	struct seda_event kept;
	struct worker w;
	struct app app;

	need(!app_open(&app, &setup) && !app_stage(&app, NULL, &stage));
	need(!worker_join(&app, &w));
	need(!tcp_pair(a) && !tcp_pair(b) && !tcp_pair(c));
	need(!app_adopt(&app, a[0], stage, 1, 0, &source[0]));
	need(!app_adopt(&app, b[0], stage, 2, 0, &source[1]));
	need(!app_adopt(&app, c[0], stage, 3, 0, &source[2]));
	need(write(a[1], "a", 1) == 1 && worker_enter(&w, 1, SECOND) == 1);
	kept = w.events[0];
	w.ctl[0].flags = SEDA_CTL_KEEP;
	need(write(b[1], "b", 1) == 1);
	while (app.counters->stalled < 1)
		need(!worker_enter(&w, 0, 0));
	need(write(c[1], "c", 1) == 1);
	while (app.counters->stalled < 2)
		need(!worker_enter(&w, 0, 0));
	/* b is resumed as this ENTER ends */
	worker_op(&w, SEDA_OP_RETURN, 0)->buf = kept.buf;
	need(!worker_enter(&w, 0, 0));
	worker_op(&w, SEDA_OP_CLOSE, source[1]);
	while (tries-- && got + closed < 2) {
		n = worker_enter(&w, 1, TICK);
		need(n >= 0);
		for (i = 0; i < n; i++) {
			closed += !!(w.events[i].events & SEDA_EV_CLOSED);
			got += w.events[i].user_data == 3;
		}
	}
	claim(closed == 1 && got == 1,
	      "the next stalled one is resumed when the first is closed\n");
	for (i = 0; i < 2; i++) {
		close(a[i]);
		close(b[i]);
		close(c[i]);
	}
	worker_leave(&w);
	app_close(&app);
}

int main(void)
{
	struct numbered n = {
		.conns = 64, .workers = 4, .window = 16,
		.messages = count_of("SEDA_MESSAGES", count_here(40000)),
	};

	begin(4);
	resumed_but_closed();
	n.setup.bufs = 4;
	numbered(&n, "4 buffers are enough for 64 connections");
	n.stage.capacity = 3;
	n.setup.bufs = 0;
	numbered(&n, "3 credits are");
	n.setup.bufs = 4;
	n.keep = true;
	numbered(&n, "both are, kept and given back by other workers");
	return end();
}

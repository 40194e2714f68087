// SPDX-License-Identifier: GPL-2.0
/*
 * TCP echo on the raw interface of /dev/seda, one worker.
 * Usage: echo_raw --port N
 */
#include "tests/lib/seda_app.h"
#include "tools/bench/echo.h"

static void close_source(struct worker *w, uint64_t source)
{
	worker_op(w, SEDA_OP_CLOSE, source)->flags = SEDA_CLOSE_QUIET;
}

int main(int argc, char **argv)
{
	struct seda_setup_args setup = { .bufs = 4096, .sources = 1 << 17 };
	int l = echo_listen(argc, argv), n, i;
	const struct seda_event *ev;
	uint64_t stage;
	struct worker w;
	struct app app;

	errno = -app_open(&app, &setup);
	if (errno)
		die("/dev/seda");
	if (app_stage(&app, NULL, &stage) || worker_join(&app, &w) ||
	    app_listen(&app, l, stage, stage, NULL))
		die("seda");
	for (;;) {
		n = worker_enter(&w, 1, SEDA_FOREVER);
		if (n < 0 && n != -EINTR) {
			errno = -n;
			die("ENTER");
		}
		for (i = 0; i < n; i++) {
			ev = &w.events[i];
			if (ev->events & SEDA_EV_IN)
				worker_echo(&w, ev);
			if (ev->events & (SEDA_EV_EOF | SEDA_EV_ERR))
				close_source(&w, ev->source);
		}
	}
}

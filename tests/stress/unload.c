// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --kmemleak --timeout 600
 *
 * rmmod is refused while the device is open, under traffic; the module loads
 * and unloads again and again with traffic between; and it unloads at once
 * after the SIGKILL of its last user, while fsnotify's marks, RCU's callbacks
 * and timers are on their way.  SEDA_CYCLES sets how often.
 */
#include "tests/stress/busy.h"
#include "tests/stress/module.h"

static void refused_under_traffic(uint64_t *state)
{
	struct busy_pids pids;
	int i, refused = 0;

	busy_start(&pids, chance_next(state));
	/* what rmmod(8) reports as "in use" */
	for (i = 0; i < 100; i++) {
		refused += module_remove() == -EAGAIN;
		sleep_ns(chance(state, 5000000));
	}
	busy_stop(pids.server);
	busy_stop(pids.clients);
	ksft_print_msg("refused %d of 100\n", refused);
	claim(refused == 100, "rmmod is refused under traffic\n");
}

static void echo(struct app *app, struct worker *w, int fd)
{
	char in[8];
	int n;

	need(write(fd, "traffic", 8) == 8);
	do {
		n = worker_enter(w, 1, SECOND);
		need(n > 0);
	} while (!(w->events[0].events & SEDA_EV_IN));
	need(w->events[0].len == 8);
	worker_echo(w, &w->events[0]);
	need(worker_enter(w, 0, 0) >= 0 && recv(fd, in, 8, 0) == 8);
	need(!memcmp(in, "traffic", 8));
}

/* One app with a listener, an adopted connection and a timer, used and left. */
static void use(int how)
{
	struct seda_timer_args timer = {
		.size = sizeof(timer), .first_ns = 1000, .period_ns = 50000,
	};
	uint64_t stage;
	uint16_t port = 0;
	int l, fd, pair[2];
	struct worker w;
	struct app app;

	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage));
	need(!worker_join(&app, &w));
	l = tcp_listen(&port);
	need(l >= 0 && !app_listen(&app, l, stage, stage, NULL));
	fd = tcp_connect(port);
	need(fd >= 0);
	echo(&app, &w, fd);
	need(!tcp_pair(pair));
	need(!app_adopt(&app, pair[0], stage, 1, 0, NULL));
	echo(&app, &w, pair[1]);
	timer.stage = stage;
	need(!app_call(&app, SEDA_IOC_TIMER, &timer));
	/* by close, in one order or the other, or by exit of a child */
	if (how == 2)
		_exit(0);
	if (how) {
		app_close(&app);
		close(pair[0]);
	} else {
		close(pair[0]);
		app_close(&app);
	}
	close(l);
	close(fd);
	close(pair[1]);
}

static void cycle(long rounds)
{
	int status;
	pid_t pid;
	long i;

	for (i = 0; i < rounds; i++) {
		if (i % 3 == 2) {
			pid = fork();
			if (!pid)
				use(2);
			need(waitpid(pid, &status, 0) == pid && !status);
		} else {
			use(i % 3);
		}
		module_unload();
		module_load();
	}
}

/* The unload is begun before the dead are reaped. */
static void unload_at_once(uint64_t *state, long rounds)
{
	struct busy_pids pids;
	uint64_t took, slowest = 0, fastest = UINT64_MAX;
	long i;

	for (i = 0; i < rounds; i++) {
		busy_start(&pids, chance_next(state));
		sleep_ns(chance(state, 30000000));
		need(!kill(pids.server, SIGKILL));
		took = module_unload();
		slowest = took > slowest ? took : slowest;
		fastest = took < fastest ? took : fastest;
		busy_reap(pids.server);
		busy_stop(pids.clients);
		module_load();
	}
	ksft_print_msg("%ld unloads, %.3f to %.3f s after SIGKILL\n",
		       rounds, fastest / 1e9, slowest / 1e9);
	/* a busy host delays them by seconds; a time-out of TCP is ten minutes */
	claim(fastest < 60 * SECOND,
	      "it unloads without waiting for the last user's sockets\n");
}

int main(void)
{
	uint64_t state;
	long n = count_of("SEDA_CYCLES", count_here(200));
	long before[SLABS];

	begin(3);
	state = chance_seed();
	many_files();
	write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0");
	write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "600");
	refused_under_traffic(&state);
	cycle(3);
	slab_counts(before);
	cycle(n);
	unload_at_once(&state, (n + 3) / 4);
	claim(slab_returns(before, 16 + n / 8), "nothing is left\n");
	return end();
}

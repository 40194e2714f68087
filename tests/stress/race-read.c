// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * The application reads an adopted connection's descriptor itself, as a worker is
 * given what arrives there: together they take as many bytes of each value as were
 * sent, and the worker is told of the end.
 */
#include "tests/stress/stress.h"

#define VALUES	251		/* a byte's place in the stream modulo that */
#define CHUNK	16384

static struct app app;
static int pair[2];
static long given[VALUES], read_by[2];
static long taken[2][VALUES];

static void count(int who, const unsigned char *p, size_t n)
{
	read_by[who] += n;
	while (n--) {
		need(*p < VALUES);
		taken[who][*p++]++;
	}
}

static void *giving(void *arg)
{
	static unsigned char chunk[VALUES + CHUNK];
	long left = count_here(200000000), at = 0;
	uint64_t state = *(uint64_t *)arg;
	size_t i;
	ssize_t n;

	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = i % VALUES;
	for (; left > 0; left -= n) {
		/* small ones come while the last one is read */
		n = send(pair[1], chunk + at, 1 + chance(&state, CHUNK), 0);
		need(n > 0);
		for (i = 0; i < (size_t)n; i++)
			given[chunk[at + i]]++;
		at = (at + n) % VALUES;
	}
	need(!shutdown(pair[1], SHUT_WR));
	return NULL;
}

static void *reading(void *arg)
{
	static unsigned char buf[CHUNK];
	ssize_t n;

	while ((n = recv(pair[0], buf, sizeof(buf), MSG_DONTWAIT))) {
		need(n > 0 || errno == EAGAIN);
		if (n > 0)
			count(0, buf, n);
	}
	return arg;
}

static void harvest(struct worker *w)
{
	bool ended = false;
	int i, n;

	while (!ended) {
		n = worker_enter(w, 1, SEDA_FOREVER);
		need(n >= 0);
		for (i = 0; i < n; i++) {
			need(!(w->events[i].events & SEDA_EV_ERR));
			ended |= w->events[i].events & SEDA_EV_EOF;
			if (w->events[i].buf != SEDA_NO_BUF)
				count(1, (unsigned char *)
				      app_buf(&app, w->events[i].buf),
				      w->events[i].len);
		}
	}
	need(!worker_leave(w));
}

int main(void)
{
	uint64_t state, stage, source;
	pthread_t giver, reader;
	struct worker w;
	long wrong = 0, all = 0;
	int i;

	begin(1);
	state = chance_seed();
	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage));
	need(!tcp_pair(pair));
	need(!app_adopt(&app, pair[0], stage, 0, 0, &source));
	need(!worker_join(&app, &w));
	giver = thread(giving, &state);
	reader = thread(reading, NULL);
	harvest(&w);
	pthread_join(giver, NULL);
	pthread_join(reader, NULL);
	for (i = 0; i < VALUES; i++) {
		wrong += given[i] != taken[0][i] + taken[1][i];
		all += given[i];
	}
	ksft_print_msg("%ld bytes: %ld by recv(), %ld by the worker\n", all,
		       read_by[0], read_by[1]);
	claim(!wrong && read_by[0] && read_by[1],
	      "each byte is taken by one, and the end is told\n");
	app_close(&app);
	close(pair[0]);
	close(pair[1]);
	return end();
}

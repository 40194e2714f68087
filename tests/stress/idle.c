// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2 --turns --timeout 600
 *
 * 10,000 idle connections beside 64 active ones in a guest of 1 GB: what the
 * module allocates for each is at most 512 bytes, 200,000 requests make no
 * memory grow and allocate nothing, and every idle one then serves a request.
 * SEDA_IDLE and SEDA_MESSAGES change the counts.
 */
#include <sys/epoll.h>

#include "tests/stress/module.h"

#define ACTIVE		64
#define TRACING		"/sys/kernel/tracing/instances/idle"
#define MOST_BYTES	512
#define NODE_BYTES	576	/* of an xarray: where ids are looked up */

static uint16_t port;
static int *fds;

static void serve(int listener, int up)
{
	struct seda_setup_args setup = { .sources = 1 << 17 };
	uint64_t stage;
	struct worker w;
	struct app app;
	int n, i;

	need(!app_open(&app, &setup) && !app_stage(&app, NULL, &stage));
	need(!worker_join(&app, &w));
	need(!app_listen(&app, listener, stage, stage, NULL));
	need(write(up, "!", 1) == 1);
	for (;;) {
		n = enter_some(&w, 1, SEDA_FOREVER);
		if (n < 0)
			fail("ENTER: %d", n);
		for (i = 0; i < n; i++) {
			if (w.events[i].events & SEDA_EV_IN)
				worker_echo(&w, &w.events[i]);
			else if (w.events[i].events != SEDA_EV_ACCEPT)
				fail("events %#x", w.events[i].events);
		}
	}
}

static pid_t start_server(void)
{
	int listener = tcp_listen(&port), up[2];
	pid_t pid;
	char c;

	need(listener >= 0 && !pipe(up));
	fflush(stdout);
	pid = fork();
	need(pid >= 0);
	if (!pid)
		serve(listener, up[1]);
	close(listener);
	need(read(up[0], &c, 1) == 1);
	close(up[0]);
	close(up[1]);
	return pid;
}

static void ask(int fd, uint64_t n)
{
	uint64_t out[8] = { n };

	need(send(fd, out, sizeof(out), MSG_NOSIGNAL) == sizeof(out));
}

static void answer(int fd, uint64_t n)
{
	uint64_t in[8];

	need(recv(fd, in, sizeof(in), MSG_WAITALL) == sizeof(in));
	need(in[0] == n);
}

static void connect_more(long from, long n)
{
	long i;

	for (i = from; i < from + n; i++) {
		fds[i] = tcp_connect(port);
		need(fds[i] >= 0);
		ask(fds[i], i);
		answer(fds[i], i);
	}
}

static void requests(int ep, long n)
{
	struct epoll_event evs[ACTIVE];
	long sent = 0, done = 0;
	int got;

	for (; sent < ACTIVE; sent++)
		ask(fds[sent], 7);
	while (done < n) {
		got = epoll_wait(ep, evs, ACTIVE, 30000);
		need(got > 0);
		while (got--) {
			answer(evs[got].data.fd, 7);
			done++;
			if (sent++ < n)
				ask(evs[got].data.fd, 7);
		}
	}
}

/* --- what the module allocates ------------------------------------------------ */

static void trace_write(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), TRACING "/%s", file);
	write_file(path, text);
}

/* Allocations that code of the module asks for, and only those. */
static void trace_setup(void)
{
	static const char *const events[] = {
		"kmalloc", "kmem_cache_alloc", "kfree", "kmem_cache_free",
	};
	unsigned long base = 0, size = 0;
	char line[512], path[256];
	FILE *f = fopen("/proc/modules", "r");
	size_t i;

	need(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "seda %lu %*d %*s %*s %lx", &size, &base) == 2)
			break;
	fclose(f);
	need(base);
	if (mkdir(TRACING, 0700) && errno != EEXIST)
		fail(TRACING ": %d", errno);
	trace_write("tracing_on", "0");
	trace_write("buffer_size_kb", "8192");
	for (i = 0; i < ARRAY_LEN(events); i++) {
		snprintf(line, sizeof(line),
			 "call_site >= 0x%lx && call_site < 0x%lx", base,
			 base + size);
		snprintf(path, sizeof(path), "events/kmem/%s/filter",
			 events[i]);
		trace_write(path, line);
		snprintf(path, sizeof(path), "events/kmem/%s/enable",
			 events[i]);
		trace_write(path, "1");
	}
}

struct ours {
	long allocs, bytes, frees;
};

static void trace_read(struct ours *ours)
{
	FILE *f = fopen(TRACING "/trace", "r");
	char line[1024], *at;
	long bytes;

	memset(ours, 0, sizeof(*ours));
	need(f);
	while (fgets(line, sizeof(line), f)) {
		if (strstr(line, "LOST"))
			fail("the trace lost events");
		at = strstr(line, "bytes_alloc=");
		if (at && sscanf(at, "bytes_alloc=%ld", &bytes) == 1) {
			ours->allocs++;
			ours->bytes += bytes;
		} else if (strstr(line, "free: ")) {
			ours->frees++;
		}
	}
	fclose(f);
}

static void trace_on(bool on)
{
	if (on)
		trace_write("trace", "");
	trace_write("tracing_on", on ? "1" : "0");
}

static void check_bytes(long idle)
{
	double each, nodes;
	struct ours ours;

	trace_on(true);
	connect_more(ACTIVE, idle);
	trace_on(false);
	trace_read(&ours);
	/* each node of 64 ids, and those above them */
	nodes = NODE_BYTES * (1 / 64.0 + 1 / 4096.0 + 1 / 262144.0);
	each = (double)ours.bytes / idle + nodes;
	ksft_print_msg("%ld connections: %ld allocations, %ld bytes, %ld frees\n",
		       idle, ours.allocs, ours.bytes, ours.frees);
	ksft_print_msg("%.1f + %.1f (ids) = %.1f bytes each\n",
		       (double)ours.bytes / idle, nodes, each);
	claim(ours.allocs >= idle && each <= MOST_BYTES,
	      "an idle connection takes at most %d bytes of ours\n",
	      MOST_BYTES);
}

/* --- what grows --------------------------------------------------------------- */

static long field(const char *path, const char *name)
{
	FILE *f = fopen(path, "r");
	char line[256];
	long value = -1;

	need(f);
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			value = atol(line + strlen(name));
	fclose(f);
	need(value >= 0);
	return value;
}

struct memory {
	long slabs[SLABS];
	long slab, rss;		/* KiB */
};

static void memory_now(struct memory *m, pid_t server)
{
	char path[64];

	slab_counts(m->slabs);
	m->slab = field("/proc/meminfo", "Slab:");
	snprintf(path, sizeof(path), "/proc/%d/status", server);
	m->rss = field(path, "VmRSS:");
}

static void check_growth(int ep, pid_t server, long n)
{
	struct memory before, after;
	struct ours ours;

	requests(ep, 20000);
	memory_now(&before, server);
	trace_on(true);
	requests(ep, n);
	trace_on(false);
	memory_now(&after, server);
	trace_read(&ours);
	ksft_print_msg("%ld requests: Slab %ld to %ld KiB, RSS %ld to %ld KiB\n",
		       n, before.slab, after.slab, before.rss, after.rss);
	ksft_print_msg("%ld allocations of ours\n", ours.allocs);
	claim(!slab_grown(before.slabs, after.slabs, 256, true) &&
	      after.slab <= before.slab + 1024 && after.rss <= before.rss + 64,
	      "no memory grows over %ld requests\n", n);
	claim(!ours.allocs, "nothing is allocated for an event\n");
}

static void check_idle(long idle)
{
	long i;

	for (i = ACTIVE; i < ACTIVE + idle; i++)
		ask(fds[i], i);
	for (i = ACTIVE; i < ACTIVE + idle; i++)
		answer(fds[i], i);
	claim(true, "every idle connection then serves a request\n");
}

int main(void)
{
	long idle = count_of("SEDA_IDLE", count_here(10000)), i;
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);
	pid_t server;

	begin(4);
	many_files();
	server = start_server();
	fds = calloc(ACTIVE + idle, sizeof(*fds));
	need(fds && ep >= 0);
	trace_setup();
	connect_more(0, ACTIVE);
	for (i = 0; i < ACTIVE; i++) {
		ev.data.fd = fds[i];
		need(!epoll_ctl(ep, EPOLL_CTL_ADD, fds[i], &ev));
	}
	check_bytes(idle);
	check_growth(ep, server,
		     count_of("SEDA_MESSAGES", count_here(200000)));
	check_idle(idle);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	rmdir(TRACING);
	return end();
}

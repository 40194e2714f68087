// SPDX-License-Identifier: GPL-2.0
/*
 * A hog in a memory cgroup of 64 MB: whatever it takes is charged to it, ends at
 * a limit, does not hurt others, and is given back.
 *
 * vm: --timeout 300
 */
#include <kselftest_harness.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/lib/memcg.h"
#include "tests/lib/must.h"
#include "tests/lib/seda_rig.h"

#define HOG		"seda-hog"
#define OTHERS		"seda-others"
#define NOBODY		65534
#define LIMIT		(64L << 20)
#define UNCHARGED	(1L << 20)
/* What fsnotify itself takes for an inode with marks, which no kernel charges */
#define CONNECTOR	64

/* A kernel that checks everything takes its time. */
static long here(long normal, long checked)
{
	const char *debug = getenv("SEDA_DEBUG");

	return debug && *debug ? checked : normal;
}

static long limit(void)
{
	return here(LIMIT, LIMIT / 4);
}

static const char *const groups[] = { HOG, OTHERS, NULL };

struct hog {
	struct app app;
	struct worker w;
	uint64_t stage, more;
	int fd, current, caller;
	uint16_t full, port;
	unsigned int nr;
};

static void many_files(void)
{
	struct rlimit files = { 1 << 20, 1 << 20 };

	MUST(!setrlimit(RLIMIT_NOFILE, &files));
}

static void hog_open(struct hog *h, struct seda_setup_args *setup)
{
	struct seda_setup_args all = {
		.workers = 1, .bufs = 16, .sources = SEDA_MAX_SOURCES,
	};

	MUST(!app_open(&h->app, setup ?: &all));
	MUST(!app_stage(&h->app, NULL, &h->stage));
}

static int take_open(struct hog *h)
{
	return open("/dev/seda", O_RDWR) < 0 ? -errno : 0;
}

static int take_app(struct hog *h)
{
	struct seda_setup_args small = {
		.workers = 1, .events = 1, .ops = 1, .bufs = 1,
	};

	return app_open(&h->app, &small);
}

static int take_arena(struct hog *h)
{
	struct seda_setup_args big = { .bufs = 256, .workers = 1 };

	return app_open(&h->app, &big);
}

static int take_pool(struct hog *h)
{
	struct seda_pool_args a = { .size = sizeof(a) };

	if (!h->nr)
		hog_open(h, NULL);
	return app_call(&h->app, SEDA_IOC_POOL_CREATE, &a);
}

static int take_stage(struct hog *h)
{
	if (!h->nr)
		hog_open(h, NULL);
	return app_stage(&h->app, NULL, &h->stage);
}

static int take_posts(struct hog *h)
{
	struct seda_stage_args policy = { .posts = SEDA_MAX_POSTS };
	int ret;

	if (!h->nr)
		hog_open(h, NULL);
	ret = app_stage(&h->app, &policy, &h->more);
	if (ret != -ENOSPC)
		return ret;
	hog_open(h, NULL);
	return 0;
}

static int take_post(struct hog *h)
{
	struct seda_stage_args policy = { .posts = 1000 };

	if (!h->nr) {
		hog_open(h, NULL);
		MUST(!app_stage(&h->app, &policy, &h->more));
	}
	return app_post(&h->app, h->more, 1, 1);
}

static int take_timer(struct hog *h)
{
	uint64_t id;

	if (!h->nr)
		hog_open(h, NULL);
	return app_timer(&h->app, h->stage, 1000 * SEC, 0, &id);
}

static int take_timer_of_few(struct hog *h)
{
	struct seda_setup_args few = { .workers = 1, .sources = 1000 };
	uint64_t id;

	if (!h->nr)
		hog_open(h, &few);
	return app_timer(&h->app, h->stage, 0, 0, &id);
}

/* The same without the device: what the kernel itself does not charge. */
static int plain_file(struct hog *h)
{
	int fd[2];

	if (pipe(fd))
		return -errno;
	close(fd[1]);
	return 0;
}

/* The file lives on without a descriptor. */
static int take_file(struct hog *h)
{
	uint64_t id;
	int fd[2], ret;

	if (!h->nr)
		hog_open(h, NULL);
	if (pipe(fd))
		return -errno;
	ret = app_watch(&h->app, fd[0], h->stage, POLLIN, 0, &id);
	close(fd[0]);
	close(fd[1]);
	return ret;
}

static int plain_udp(struct hog *h)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ? -errno : 0;
}

static int take_udp(struct hog *h)
{
	int fd;

	if (!h->nr)
		hog_open(h, NULL);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : app_adopt(&h->app, fd, h->stage, 0, 0, NULL);
}

static void *idle_worker(void *arg)
{
	struct worker w;
	long ret = worker_join(arg, &w);

	if (ret)
		return (void *)ret;
	w.ctl[0].claim = 0;
	for (;;)
		pause();
	return NULL;
}

static int take_worker(struct hog *h)
{
	struct seda_setup_args few = { .workers = 128, .events = 64,
				       .ops = 64, .bufs = 16 };
	pthread_attr_t attr;
	unsigned int had;
	pthread_t t;
	void *why;

	if (!h->nr)
		hog_open(h, &few);
	had = h->app.counters->workers;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 32768);
	if (pthread_create(&t, &attr, idle_worker, &h->app))
		return -ENOMEM;
	while (__atomic_load_n(&h->app.counters->workers, __ATOMIC_RELAXED) == had)
		if (!pthread_tryjoin_np(t, &why))
			return (long)why;
	return 0;
}

static int plain_connect(struct hog *h)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET, .sin_port = htons(h->full),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	return fd < 0 || (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) &&
			  errno != EINPROGRESS) ? -errno : 0;
}

/* Connects that wait: h->full does not answer. */
static int take_connect(struct hog *h)
{
	struct seda_addr to = addr_v4(h->full);
	uint64_t id;

	if (!h->nr)
		hog_open(h, NULL);
	return app_connect(&h->app, h->stage, &to, 0, 1000 * SEC, &id);
}

static bool ask(int sock, char what)
{
	return write(sock, &what, 1) == 1 && read(sock, &what, 1) == 1;
}

/* So many connections, by somebody outside: their sockets are not charged. */
#define ACCEPTS		here(2000, 500)
#define ACCEPTS_MOST	2000

/* The one outside makes a connection. */
static int hog_called(struct hog *h)
{
	return ask(h->caller, 'c') ? 0 : -EPIPE;
}

static int plain_accept(struct hog *h)
{
	if (!h->nr) {
		uint16_t port = h->port;

		h->fd = tcp_listen(&port);
	}
	if (h->nr == ACCEPTS)
		return -ENFILE;
	return hog_called(h) ?: accept(h->fd, NULL, NULL) < 0 ? -errno : 0;
}

/* Connections without a descriptor. */
static int take_accept(struct hog *h)
{
	struct seda_setup_args setup = {
		.workers = 1, .bufs = 16, .sources = ACCEPTS + 1,
	};
	uint16_t port = h->port;
	int ret;

	if (!h->nr) {
		hog_open(h, &setup);
		h->fd = tcp_listen(&port);
		MUST(!worker_join(&h->app, &h->w));
		MUST(!app_listen(&h->app, h->fd, h->stage, h->stage, NULL));
	}
	/* the last one finds no place */
	ret = hog_called(h);
	if (ret)
		return ret;
	MUST(worker_enter(&h->w, 1, SEDA_FOREVER) == 1);
	if (h->w.events[0].events == SEDA_EV_ERR)
		return h->w.events[0].res;
	MUST(h->w.events[0].events == SEDA_EV_ACCEPT);
	return 0;
}

/* A connection whose peer does not read. */
static int hog_pair(struct hog *h)
{
	int fd[2];

	if (tcp_pair(fd))
		return -errno;
	small_buffers(fd[0]);
	small_buffers(fd[1]);
	return app_adopt(&h->app, fd[0], h->stage, 0, 0, &h->more);
}

/* Sends on one connection alone, a hundred at a time. */
static int take_send(struct hog *h)
{
	static char data[1 << 16];
	struct seda_op *op;
	int ret, i;

	if (!h->nr) {
		hog_open(h, NULL);
		MUST(!worker_join(&h->app, &h->w) && !hog_pair(h));
	}
	for (i = 0; i < 100; i++) {
		op = worker_op(&h->w, SEDA_OP_SEND, h->more);
		op->addr = (uintptr_t)data;
		op->len = sizeof(data);
	}
	MUST(worker_enter(&h->w, 0, 0) >= 0);
	ret = h->w.ops[99].res;
	return ret == -EINPROGRESS || ret > 0 ? 0 : ret;
}

/* Sends on ever more connections. */
static int take_sends(struct hog *h)
{
	int ret = take_send(h);

	if (ret != -EAGAIN)
		return ret;
	ret = hog_pair(h);
	return ret ?: take_send(h);
}

/* What the hog tells, in shared memory. */
struct seen {
	unsigned int nr;
	int err, status;
	long charged, uncharged;	/* at the peak */
};

struct scene {
	struct rig r;			/* of somebody else */
	int own, peer;
	uint64_t id;
	int listener;
	uint16_t full;			/* its port: it does not answer */
	struct hog *hog;
	struct seen *seen;
	pid_t pid, caller;
};

FIXTURE(hog) {
	struct scene s;
};

/*
 * end: what it ends with; 0: with its memory, -ENOMEM or the cgroup's killer.
 * plain: the same by the kernel's own calls; NULL: there is no such thing.
 */
FIXTURE_VARIANT(hog) {
	int (*take)(struct hog *h);
	int (*plain)(struct hog *h);
	int end;
	long marks;
};

#define HOG_OF(what, like, with)					\
	FIXTURE_VARIANT_ADD(hog, what) {				\
		.take = take_##what, .plain = like, .end = with,	\
	}

HOG_OF(open, NULL, -EMFILE);
HOG_OF(app, NULL, -EMFILE);
HOG_OF(arena, NULL, 0);
HOG_OF(pool, NULL, -ENOSPC);
HOG_OF(stage, NULL, -ENOSPC);
HOG_OF(posts, NULL, 0);
HOG_OF(post, NULL, -EAGAIN);
HOG_OF(timer, NULL, 0);
HOG_OF(timer_of_few, NULL, -ENFILE);
HOG_OF(file, plain_file, 0);
FIXTURE_VARIANT_ADD(hog, udp) {
	.take = take_udp, .plain = plain_udp, .marks = CONNECTOR,
};

HOG_OF(worker, NULL, -ENOSPC);
HOG_OF(connect, plain_connect, 0);
HOG_OF(accept, plain_accept, -ENFILE);
HOG_OF(send, NULL, -EAGAIN);
HOG_OF(sends, NULL, 0);

/* Somebody outside of the cgroup, whose own memory another answers for. */
static void call_when_asked(uint16_t port, int sock)
{
	struct linger reset = { .l_onoff = 1 };
	static int fd[ACCEPTS_MOST + 1];
	unsigned int nr = 0;
	char c;

	many_files();
	MUST(!memcg_enter(OTHERS));
	while (read(sock, &c, 1) == 1) {
		if (c == 'c' && nr < ACCEPTS + 1) {
			fd[nr] = tcp_connect(port);
			MUST(fd[nr] >= 0);
			setsockopt(fd[nr++], SOL_SOCKET, SO_LINGER, &reset,
				   sizeof(reset));
		}
		/* by a reset, so that nothing stays at the other end either */
		while (c == 'x' && nr)
			close(fd[--nr]);
		MUST(write(sock, &c, 1) == 1);
	}
	_exit(0);
}

FIXTURE_SETUP(hog)
{
	uint16_t port = 0;
	char max[24];
	int s[2];

	self->s.listener = tcp_deaf(&self->s.full);
	snprintf(max, sizeof(max), "%ld", limit());
	ASSERT_EQ(0, memcg_make(HOG, max));
	ASSERT_EQ(0, memcg_make(OTHERS, "max"));
	ASSERT_EQ(0, chmod("/dev/seda", 0666));
	ASSERT_EQ(0, rig_open(&self->s.r, NULL, NULL));
	ASSERT_EQ(0, rig_pair(&self->s.r, 0, &self->s.id, &self->s.own,
			      &self->s.peer));
	self->s.seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_NE(MAP_FAILED, self->s.seen);
	self->s.hog = calloc(1, sizeof(*self->s.hog));
	/* a port that is free */
	close(tcp_listen(&port));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s));
	self->s.caller = fork();
	if (!self->s.caller) {
		close(s[0]);
		call_when_asked(port, s[1]);
	}
	close(s[1]);
	self->s.hog->full = self->s.full;
	self->s.hog->port = port;
	self->s.hog->caller = s[0];
}

static void end_process(pid_t pid)
{
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

FIXTURE_TEARDOWN(hog)
{
	end_process(self->s.pid);
	end_process(self->s.caller);
	rig_close(&self->s.r);
	EXPECT_EQ(0, chmod("/dev/seda", 0600));
	EXPECT_EQ(0, memcg_remove(HOG));
	EXPECT_EQ(0, memcg_remove(OTHERS));
}

/* Another app of another user still works. */
static bool others_go_on(struct rig *r, uint64_t id, int peer)
{
	uint64_t timer;
	char c;

	if (write(peer, "x", 1) != 1 || !rig_await(r, SEDA_EV_IN) ||
	    rig_send(r, id, "y", 1, 0) != 1 || read(peer, &c, 1) != 1)
		return false;
	if (app_timer(&r->app, r->stage, 1, 0, &timer) ||
	    !rig_await(r, SEDA_EV_TIMER) ||
	    rig_do(r, SEDA_OP_CLOSE, timer, 0))
		return false;
	return rig_await(r, SEDA_EV_CLOSED);
}

static void meet(int sock)
{
	char c = 0;

	MUST(write(sock, &c, 1) == 1 && read(sock, &c, 1) == 1);
}

static bool near_limit(struct hog *h)
{
	char text[32];
	ssize_t n = pread(h->current, text, sizeof(text) - 1, 0);

	MUST(n > 0);
	text[n] = 0;
	/* here it stops to be measured */
	return atol(text) > limit() / 8 * 7;
}

/* Takes until it gets no more; stops before it begins, and near the limit. */
static void hog_run(struct hog *h, int (*take)(struct hog *h),
		    struct seen *seen, int sock)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	bool marked = false, look;

	many_files();
	/* what it takes of this is not the cgroup's matter: limits.c */
	MUST(!setrlimit(RLIMIT_MEMLOCK, &all));
	MUST(!memcg_enter(HOG));
	h->current = open(CGROUPS HOG "/memory.current", O_RDONLY | O_CLOEXEC);
	MUST(h->current >= 0 && !setgid(NOBODY) && !setuid(NOBODY));
	meet(sock);
	do {
		seen->err = take(h);
		seen->nr += !seen->err;
		h->nr++;
		look = h->nr < 1024 || !(h->nr % 16);
		if (marked || (!seen->err && (!look || !near_limit(h))))
			continue;
		meet(sock);
		marked = true;
	} while (!seen->err);
	_exit(0);
}

/*
 * Each further CPU has slabs of its own, half full, that nobody is charged for, and
 * KASAN a byte for each eight of what is mapped, stacks and arenas.
 */
static long uncharged_most(const struct seen *seen)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const char *debug = getenv("SEDA_DEBUG");
	bool kasan = debug && !strcmp(debug, "kasan");

	return UNCHARGED * (cpus + 1) / 2 + (kasan ? seen->charged / 8 : 0);
}

/* All that it had comes back; RCU takes its time. */
static bool given_back(const struct memory *before, const struct seen *seen)
{
	uint64_t end = now_ns() + LONG;
	struct memory m;

	do {
		sleep_ms(100);
		memory_measure(&m, groups);
		if (m.used - before->used < uncharged_most(seen) &&
		    m.charged - before->charged < UNCHARGED)
			return true;
	} while (now_ns() < end);
	memory_tell(before, &m, 16384);
	return false;
}

/* Little enough, or until it falls no more: RCU frees late. */
static void measure_peak(const struct memory *start, struct memory *peak,
			 const struct seen *seen)
{
	long last;

	memory_measure(peak, groups);
	do {
		last = memory_uncharged(start, peak);
		if (last < uncharged_most(seen))
			return;
		sleep_ms(100);
		memory_measure(peak, groups);
	} while (memory_uncharged(start, peak) < last);
}

/* Runs a hog, measured where it stops, to its end; false: it did not get there. */
static bool hog_measure(struct scene *s, int (*take)(struct hog *h))
{
	static struct memory start, peak;
	struct seen *seen = s->seen;
	int sock[2];
	char c;

	memset(seen, 0, sizeof(*seen));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock))
		return false;
	s->pid = fork();
	if (!s->pid) {
		close(sock[0]);
		hog_run(s->hog, take, seen, sock[1]);
	}
	close(sock[1]);
	if (read(sock[0], &c, 1) != 1)
		return false;
	memory_measure(&start, groups);
	if (write(sock[0], &c, 1) != 1 || read(sock[0], &c, 1) != 1)
		return false;
	measure_peak(&start, &peak, seen);
	seen->charged = peak.charged - start.charged;
	seen->uncharged = memory_uncharged(&start, &peak);
	printf("# %u taken (%d): ", seen->nr, seen->err);
	memory_tell(&start, &peak, 65536);
	/* at its peak */
	if (!others_go_on(&s->r, s->id, s->peer))
		return false;
	if (write(sock[0], &c, 1) != 1 ||
	    waitpid(s->pid, &seen->status, 0) != s->pid)
		return false;
	s->pid = 0;
	close(sock[0]);
	return ask(s->hog->caller, 'x');
}

TEST_F_TIMEOUT(hog, is_charged_and_ends, 250)
{
	static struct memory before;
	struct seen *seen = self->s.seen;
	uint64_t begin = now_ns();
	long each = 0;

	/* all that this test does itself has been done once */
	ASSERT_TRUE(others_go_on(&self->s.r, self->s.id, self->s.peer));
	memory_measure(&before, groups);
	memory_measure(&before, groups);
	if (variant->plain) {
		ASSERT_TRUE(hog_measure(&self->s, variant->plain));
		each = seen->uncharged / (long)seen->nr;
		EXPECT_TRUE(given_back(&before, seen));
	}
	ASSERT_TRUE(hog_measure(&self->s, variant->take));
	TH_LOG("%ld kB are not charged, without the device %ld kB; %.1f s",
	       seen->uncharged / 1024, each * seen->nr / 1024,
	       (now_ns() - begin) / 1e9);
	EXPECT_GT(uncharged_most(seen) + variant->marks * seen->nr,
		  seen->uncharged - each * seen->nr);
	if (variant->end) {
		EXPECT_EQ(0, seen->status);
		EXPECT_EQ(variant->end, seen->err);
	} else if (WIFSIGNALED(seen->status)) {
		EXPECT_EQ(SIGKILL, WTERMSIG(seen->status));
		EXPECT_LT(0, numbers_after(memcg_get(HOG, "memory.events"),
					   "oom_kill "));
	} else {
		EXPECT_EQ(0, seen->status);
		EXPECT_EQ(-ENOMEM, seen->err);
	}
	EXPECT_TRUE(others_go_on(&self->s.r, self->s.id, self->s.peer));
	EXPECT_TRUE(given_back(&before, seen));
}

TEST_HARNESS_MAIN

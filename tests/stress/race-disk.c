// SPDX-License-Identifier: GPL-2.0
/*
 * vm: --smp 2
 *
 * Files and connections closed, ops canceled and pages dropped by some threads as
 * others read, write and send them: each op that waits is told of once, what is
 * read is right, and at the end nothing is left.
 */
#include <stdatomic.h>

#include "tests/lib/disk.h"
#include "tests/stress/stress.h"

#define WORKERS	3
#define FILES	6
#define CONNS	4
#define BUFS	4		/* of each worker */
#define BUF	4096
#define BLOCKS	(DISK_MB << 20 >> 12)

static struct app app;
static struct disk disk;
static uint64_t stage, miss;
static _Atomic uint64_t files[FILES], conns[CONNS];
static int fds[2], peers[CONNS];
static uint64_t seed;
static _Atomic long misses, hits, done, canceled, closed, sends, sent, wrong;
static _Atomic bool stopping;

struct actor {
	struct worker w;
	uint64_t state;
	int buf[BUFS];
};

/* user_data of a file is its place in files. */
static void open_file(unsigned int i)
{
	uint64_t id;

	need(!app_file(&app, fds[i % 2], stage, miss, i, &id));
	atomic_store(&files[i], id);
}

static void *drain(void *arg)
{
	static char sink[1 << 16];

	while (read(*(int *)arg, sink, sizeof(sink)) > 0)
		;
	return NULL;
}

static void open_conn(unsigned int i)
{
	uint64_t id;
	int pair[2];
	pthread_t t;

	if (peers[i])
		close(peers[i]);
	need(!tcp_pair(pair));
	peers[i] = pair[0];
	t = thread(drain, memcpy(malloc(sizeof(int)), &pair[1], sizeof(int)));
	pthread_detach(t);
	need(!app_adopt(&app, pair[0], stage, FILES + i, 0, &id));
	atomic_store(&conns[i], id);
}

static void act(struct actor *a)
{
	unsigned int what = chance(&a->state, 100), file = chance(&a->state, FILES);
	unsigned int conn = chance(&a->state, CONNS);
	uint64_t block = chance(&a->state, BLOCKS), id = atomic_load(&files[file]);
	struct seda_op *op = worker_op(&a->w, SEDA_OP_READ, id);

	op->offset = block * BUF;
	op->len = BUF;
	if (what < 60) {
		op->buf = a->buf[chance(&a->state, BUFS)];
		op->user_data = 1;
	} else if (what < 70) {
		op->op = SEDA_OP_SENDFILE;
		op->source = atomic_load(&conns[conn]);
		op->file = id;
		op->len = 1 + chance(&a->state, 20 * BUF);
		op->user_data = 2;
	} else if (what < 90) {
		op->op = SEDA_OP_ADVISE;
		op->flags = SEDA_ADVISE_DROP;
		op->len = 64 * BUF;
		op->user_data = 3;
	} else if (what < 95) {
		op->op = SEDA_OP_CANCEL;
		op->offset = 0;
		op->len = 0;
	} else if (what < 98) {
		op->op = SEDA_OP_CLOSE;
		op->offset = 0;
		op->len = 0;
	} else {
		op->op = SEDA_OP_CLOSE;
		op->source = atomic_load(&conns[conn]);
		op->flags = chance(&a->state, 2) ? SEDA_CLOSE_ABORT : 0;
		op->offset = 0;
		op->len = 0;
	}
}

static void count(struct actor *a, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct seda_op *op = &a->w.ops[i];

		switch (op->op) {
		case SEDA_OP_READ:
			hits += op->res >= 0;
			/* fallthrough */
		case SEDA_OP_ADVISE:
			misses += op->res == -EINPROGRESS;
			need(op->res == BUF || op->res == -EINPROGRESS ||
			     op->res == -EBUSY || op->res == -ESTALE ||
			     op->res == -EALREADY);
			break;
		case SEDA_OP_SENDFILE:
			sends += op->res >= 0 || op->res == -EINPROGRESS;
			break;
		}
	}
}

/* Two threads may have read into a buffer at once: all of it is of some blocks. */
static bool is_of_blocks(const unsigned char *p)
{
	uint64_t block;

	memcpy(&block, p, sizeof(block));
	return block < BLOCKS;
}

static void handle(struct actor *a, const struct seda_event *ev)
{
	int i;

	if (ev->events & SEDA_EV_DONE) {
		done++;
		canceled += ev->res == -ECANCELED;
		if (ev->done == 1 && ev->res != BUF && ev->res != -ECANCELED)
			wrong++;
		for (i = 0; ev->done == 1 && i < BUFS; i++)
			wrong += !is_of_blocks((void *)app_buf(&app, a->buf[i]));
	}
	sent += !!(ev->events & SEDA_EV_SENT);
	if (!(ev->events & SEDA_EV_CLOSED))
		return;
	closed++;
	if (atomic_load(&stopping))
		return;
	if (ev->user_data < FILES)
		open_file(ev->user_data);
	else
		open_conn(ev->user_data - FILES);
}

static void *working(void *arg)
{
	struct actor a = { .state = seed + (uintptr_t)arg };
	unsigned int i, nr;
	struct seda_op *op;
	int n;

	need(!worker_join(&app, &a.w));
	for (i = 0; i < BUFS; i++) {
		op = worker_op(&a.w, SEDA_OP_TAKE, 0);
		need(!worker_submit(&a.w));
		a.buf[i] = op->res;
		need(a.buf[i] >= 0);
	}
	while (!atomic_load(&stopping)) {
		nr = 1 + chance(&a.state, 16);
		for (i = 0; i < nr; i++)
			act(&a);
		n = enter_some(&a.w, chance(&a.state, 2), TICK / 10);
		need(n >= 0);
		count(&a, nr);
		for (i = 0; i < (unsigned int)n; i++)
			handle(&a, &a.w.events[i]);
	}
	/* what is still under way */
	while (app_counters(&app, miss)->ios || app_counters(&app, miss)->pending) {
		n = enter_some(&a.w, 1, TICK);
		need(n >= 0);
		for (i = 0; i < (unsigned int)n; i++)
			handle(&a, &a.w.events[i]);
	}
	worker_leave(&a.w);
	return NULL;
}

/* Each block begins with its number. */
static void number_blocks(int fd)
{
	uint64_t block[BUF / 8] = { 0 };
	uint64_t i;

	for (i = 0; i < BLOCKS; i++) {
		block[0] = i;
		need(pwrite(fd, block, BUF, i * BUF) == BUF);
	}
	need(!fsync(fd));
}

int main(void)
{
	struct seda_stage_args policy = { .capacity = 64 };
	long most = count_here(60000);
	pthread_t t[WORKERS];
	uintptr_t i;

	begin(3);
	seed = chance_seed();
	need(disk_make(&disk, "seda-race", 200000));
	fds[0] = open(disk.path, O_RDWR | O_CLOEXEC);
	fds[1] = open(disk.path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	need(fds[0] >= 0 && fds[1] >= 0);
	number_blocks(fds[0]);
	need(!app_open(&app, NULL) && !app_stage(&app, NULL, &stage) &&
	     !app_stage(&app, &policy, &miss));
	for (i = 0; i < FILES; i++)
		open_file(i);
	for (i = 0; i < CONNS; i++)
		open_conn(i);
	for (i = 0; i < WORKERS; i++)
		t[i] = thread(working, (void *)i);
	while (atomic_load(&misses) + atomic_load(&hits) < most)
		sleep_ns(TICK);
	atomic_store(&stopping, true);
	for (i = 0; i < WORKERS; i++)
		pthread_join(t[i], NULL);
	ksft_print_msg("%ld hits, %ld misses, %ld canceled, %ld sends, %ld closed\n",
		       hits, misses, canceled, sends, closed);
	claim(misses == done && !wrong && hits && canceled && closed,
	      "each op that waits is told of once\n");
	claim(!app_counters(&app, miss)->ios, "no place is lost\n");
	claim(sends && sent, "files are sent meanwhile\n");
	app_close(&app);
	close(fds[0]);
	close(fds[1]);
	disk_remove(&disk);
	return end();
}

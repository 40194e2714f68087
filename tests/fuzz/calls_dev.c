// SPDX-License-Identifier: GPL-2.0
/*
 * The calls of /dev/seda but ENTER.  a[0] is the device's place, a[1] what is
 * wrong with the argument (0: nothing).
 */
#include "tests/fuzz/box.h"

#define ARGS(type)	struct seda_##type##_args args = { .size = sizeof(args) }

enum {
	BAD_NULL = 1, BAD_PLACE, BAD_END, BAD_SMALL, BAD_LARGER, BAD_TAIL,
	BAD_HUGE, BAD_FLAGS, BAD_READ_ONLY, BAD_SHARED, BAD_NUMBER,
};

/* Where the argument lies; *size is what its first field says. */
static char *bad_place(struct box *b, uint64_t bad, size_t size)
{
	char *end = b->mem + MEM_SIZE;

	switch (bad) {
	case BAD_NULL:
		return NULL;
	case BAD_PLACE:
		return end;
	case BAD_END:
		return end - size / 2;
	case BAD_SHARED:
		return b->dev[0].arena ? b->dev[0].arena : end - PAGE;
	default:
		return end - PAGE * (1 + box_thread);
	}
}

static bool bad_writable(uint64_t bad)
{
	return bad != BAD_NULL && bad != BAD_PLACE && bad != BAD_END;
}

static void bad_fill(char *p, uint64_t bad, const void *args, size_t size)
{
	uint32_t said = size;

	memset(p, 0, size + 16);
	memcpy(p, args, size);
	switch (bad) {
	case BAD_SMALL:
		said = size - 1;
		break;
	case BAD_TAIL:
		p[size + 3] = 1;
		said = size + 8;
		break;
	case BAD_LARGER:
		said = size + 8;
		break;
	case BAD_HUGE:
		said = ~0U;
		break;
	case BAD_FLAGS:
		p[7] ^= 0x80;
		break;
	}
	memcpy(p, &said, sizeof(said));
}

long box_ioctl(struct box *b, const uint64_t *a, unsigned long nr, void *args,
	       size_t size)
{
	int fd = box_dev(b, a[0]);
	uint64_t bad = a[1];
	char *p;
	long ret;

	if (!bad)
		return box_errno(ioctl(fd, nr, args));
	p = bad_place(b, bad, size);
	if (bad_writable(bad))
		bad_fill(p, bad, args, size);
	if (bad == BAD_READ_ONLY)
		mprotect(p, PAGE, PROT_READ);
	if (bad == BAD_NUMBER)
		nr ^= 0x40;
	ret = box_errno(ioctl(fd, nr, p));
	if (bad == BAD_READ_ONLY)
		mprotect(p, PAGE, PROT_READ | PROT_WRITE);
	if (bad_writable(bad))
		memcpy(args, p, size);
	return ret;
}

#define CALL(nr)	box_ioctl(b, a, SEDA_IOC_##nr, &args, sizeof(args))

/* The id of a call that made something goes to its place. */
static long keep(uint64_t *places, unsigned int nr, uint64_t place, long ret,
		 uint64_t id)
{
	if (!ret && place < nr)
		places[place] = id;
	return ret;
}

static long keep_source(struct box *b, uint64_t place, long ret, uint64_t id)
{
	return keep(b->source, NR_SOURCES, place, ret, id);
}

long run_open(struct box *b, const uint64_t *a)
{
	int fd, old;

	if (a[0] >= NR_DEVS)
		return -EBADF;
	fd = open("/dev/seda", O_RDWR | (a[1] ? 0 : O_CLOEXEC));
	if (fd < 0)
		return -errno;
	old = __atomic_exchange_n(&b->dev[a[0]].fd, fd, __ATOMIC_SEQ_CST);
	if (old >= 0)
		close(old);
	return 0;
}

long run_info(struct box *b, const uint64_t *a)
{
	ARGS(info);

	return CALL(INFO);
}

long run_setup(struct box *b, const uint64_t *a)
{
	ARGS(setup);
	long ret;

	args.workers = a[2];
	args.events = a[3];
	args.ops = a[4];
	args.bufs = a[5];
	args.buf_size = a[6];
	args.sources = a[7];
	ret = CALL(SETUP);
	if (!ret && a[0] < NR_DEVS)
		b->dev[a[0]].setup = args;
	return ret;
}

long run_pool_create(struct box *b, const uint64_t *a)
{
	ARGS(pool);
	long ret;

	args.concurrency = a[3];
	ret = CALL(POOL_CREATE);
	return keep(b->pool, NR_POOLS, a[2], ret, args.pool);
}

long run_pool_set(struct box *b, const uint64_t *a)
{
	ARGS(pool);

	args.pool = box_pool(b, a[2]);
	args.concurrency = a[3];
	return CALL(POOL_SET);
}

long run_pool_destroy(struct box *b, const uint64_t *a)
{
	ARGS(id);

	args.id = box_pool(b, a[2]);
	return CALL(POOL_DESTROY);
}

static void policy(struct box *b, struct seda_stage_args *args,
		   const uint64_t *a)
{
	args->priority = a[4];
	args->min_batch = a[5];
	args->max_delay_ns = a[6];
	args->capacity = a[7];
	args->posts = a[8];
	memcpy(args->name, "fuzz", 5);
}

long run_stage_create(struct box *b, const uint64_t *a)
{
	ARGS(stage);
	long ret;

	policy(b, &args, a);
	args.pool = box_pool(b, a[3]);
	ret = CALL(STAGE_CREATE);
	return keep(b->stage, NR_STAGES, a[2], ret, args.stage);
}

long run_stage_set(struct box *b, const uint64_t *a)
{
	ARGS(stage);

	policy(b, &args, a);
	args.stage = box_stage(b, a[2]);
	return CALL(STAGE_SET);
}

long run_stage_destroy(struct box *b, const uint64_t *a)
{
	ARGS(id);

	args.id = box_stage(b, a[2]);
	return CALL(STAGE_DESTROY);
}

long run_join(struct box *b, const uint64_t *a)
{
	ARGS(join);
	long ret;

	args.pool = box_pool(b, a[3]);
	args.flags = a[4];
	ret = CALL(WORKER_JOIN);
	if (!ret && a[2] < NR_WORKERS && a[0] < NR_DEVS) {
		b->worker[a[2]].id = args.worker;
		b->worker[a[2]].dev = a[0];
		b->worker[a[2]].nr_ops = 0;
	}
	return ret;
}

long run_leave(struct box *b, const uint64_t *a)
{
	return box_errno(ioctl(box_dev(b, a[0]), SEDA_IOC_WORKER_LEAVE, NULL));
}

long run_listen(struct box *b, const uint64_t *a)
{
	ARGS(listen);
	long ret;

	args.fd = box_fd(b, a[3]);
	args.stage = box_stage(b, a[4]);
	args.child_stage = box_stage(b, a[5]);
	args.flags = a[6];
	args.user_data = a[2];
	ret = CALL(LISTEN);
	return keep_source(b, a[2], ret, args.source);
}

long run_adopt(struct box *b, const uint64_t *a)
{
	ARGS(adopt);
	long ret;

	args.fd = box_fd(b, a[3]);
	args.stage = box_stage(b, a[4]);
	args.flags = a[5];
	args.user_data = a[2];
	ret = CALL(ADOPT);
	return keep_source(b, a[2], ret, args.source);
}

static const uint8_t lo[4] = { 127, 0, 0, 1 };

long run_connect(struct box *b, const uint64_t *a)
{
	ARGS(connect);
	long ret;

	args.stage = box_stage(b, a[4]);
	args.flags = a[5];
	args.user_data = a[2];
	args.timeout_ns = a[6];
	args.peer.family = AF_INET;
	args.peer.port = htons(a[3] < NR_FDS ? b->port[a[3]] : 1);
	memcpy(args.peer.addr, lo, sizeof(lo));
	if (a[7] == 1) {
		/* a net for tests: nobody answers there */
		memcpy(args.peer.addr, "\xc0\x00\x02\x01", 4);
	} else if (a[7] == 2) {
		args.peer.family = AF_INET6;
		memset(args.peer.addr, 0, sizeof(args.peer.addr));
		args.peer.addr[15] = 1;
	} else if (a[7] == 3) {
		args.local.family = AF_INET;
		memcpy(args.local.addr, lo, sizeof(lo));
	} else if (a[7] == 4) {
		args.peer.family = AF_UNIX;
	}
	ret = CALL(CONNECT);
	return keep_source(b, a[2], ret, args.source);
}

long run_watch(struct box *b, const uint64_t *a)
{
	ARGS(watch);
	long ret;

	args.fd = box_fd(b, a[3]);
	args.stage = box_stage(b, a[4]);
	args.mask = a[5];
	args.flags = a[6];
	args.user_data = a[2];
	ret = CALL(WATCH);
	return keep_source(b, a[2], ret, args.source);
}

/* a[6]: its ops wait in the stage of its own. */
long run_adopt_file(struct box *b, const uint64_t *a)
{
	ARGS(file);
	long ret;

	args.fd = box_fd(b, a[3]);
	args.stage = box_stage(b, a[4]);
	args.miss_stage = a[6] ? 0 : box_stage(b, a[5]);
	args.user_data = a[2];
	ret = CALL(FILE);
	return keep_source(b, a[2], ret, args.source);
}

/* A device watches a device. */
long run_nest(struct box *b, const uint64_t *a)
{
	ARGS(watch);

	args.fd = box_dev(b, a[2]);
	args.stage = box_stage(b, a[3]);
	args.mask = POLLIN;
	return CALL(WATCH);
}

long run_timer(struct box *b, const uint64_t *a)
{
	ARGS(timer);
	struct timespec now;
	long ret;

	args.stage = box_stage(b, a[3]);
	args.user_data = a[2];
	args.first_ns = a[4];
	args.period_ns = a[5];
	args.flags = a[6];
	if (a[6] & SEDA_TIMER_ABS && a[4]) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		args.first_ns += now.tv_sec * 1000000000ULL + now.tv_nsec;
	}
	ret = CALL(TIMER);
	return keep_source(b, a[2], ret, args.source);
}

long run_post(struct box *b, const uint64_t *a)
{
	ARGS(post);

	args.stage = box_stage(b, a[2]);
	args.user_data = a[3];
	args.value = a[4];
	return CALL(POST);
}

long run_close(struct box *b, const uint64_t *a)
{
	ARGS(id);

	args.id = box_source(b, a[2]);
	args.flags = a[3];
	return CALL(CLOSE);
}

long run_to_fd(struct box *b, const uint64_t *a)
{
	ARGS(to_fd);
	long ret;

	args.source = box_source(b, a[2]);
	args.flags = a[3];
	ret = CALL(TO_FD);
	/* a new descriptor is never 0 here */
	return ret > 0 ? box_put_fd(b, a[4], ret) : ret;
}

long run_source_info(struct box *b, const uint64_t *a)
{
	ARGS(source_info);

	args.source = box_source(b, a[2]);
	return CALL(SOURCE_INFO);
}

/* Any number, any words. */
long run_raw(struct box *b, const uint64_t *a)
{
	uint64_t args[32] = { a[3], a[4], a[5], a[6] };
	unsigned int nr = a[2] & 63;

	if (nr > _IOC_NR(SEDA_IOC_FILE) && nr < 32)
		nr = _IOC_NR(SEDA_IOC_FILE);
	return box_ioctl(b, a, SEDA_IOC_NR(nr), args, sizeof(args));
}

// SPDX-License-Identifier: GPL-2.0
/*
 * ENTER, its ops, and what user space writes to the arena.  The calls run_op_*
 * only write an op; ENTER submits those that were written for its worker.
 * a[0] of an op is the worker's place.
 */
#include "tests/fuzz/box.h"

#define MAX_WORDS	10000	/* of one scribble, however odd its number is */

/* The worker's part of the arena, or NULL. */
static char *worker_base(struct box *b, uint64_t place)
{
	struct dev *d;
	size_t off;

	if (place >= NR_WORKERS)
		return NULL;
	d = &b->dev[b->worker[place].dev % NR_DEVS];
	off = (size_t)(uint32_t)b->worker[place].id * d->setup.worker_stride;
	if (!d->arena || !b->worker[place].id ||
	    off + d->setup.worker_stride > d->arena_len)
		return NULL;
	return d->arena + off;
}

static const struct seda_setup_args *worker_setup(struct box *b, uint64_t place)
{
	return &b->dev[b->worker[place].dev % NR_DEVS].setup;
}

/* Sources, children and buffers of a batch are named by later calls. */
static void take_events(struct box *b, uint64_t place, long nr)
{
	const struct seda_event *ev = (void *)worker_base(b, place);
	uint64_t source;
	long i, j = 0;

	for (i = 0; ev && i < nr; i++) {
		source = ev[i].source;
		if (ev[i].events & SEDA_EV_ACCEPT) {
			source = ev[i].child;
			b->source[FIRST_CHILD + b->next_child++ %
				  (NR_SOURCES - FIRST_CHILD)] = source;
		}
		if (source && j < NR_EVENTS)
			b->event[j++] = source;
		if (!(ev[i].events & SEDA_EV_ACCEPT) &&
		    ev[i].buf != SEDA_NO_BUF)
			b->buf[b->next_buf++ % FIRST_TAKEN] = ev[i].buf;
	}
}

static void take_results(struct box *b, uint64_t place, unsigned int nr)
{
	struct place *w = &b->worker[place];
	const struct seda_op *op = NULL;
	char *base = worker_base(b, place);
	unsigned int i;

	if (base)
		op = (void *)(base + worker_setup(b, place)->ops_off);
	for (i = 0; op && i < nr; i++) {
		int res = op[i].res;

		if (w->ops[i]->run == run_op_take && res >= 0)
			b->buf[w->ops[i]->a[1] % NR_BUFS] = res;
		if (b->op_done)
			b->op_done(w->ops[i], res == -EINPROGRESS ? 0 : res);
	}
}

long run_enter(struct box *b, const uint64_t *a)
{
	struct seda_enter_args args = { .size = sizeof(args) };
	uint64_t mask = 0;
	struct place *w;
	unsigned int nr;
	long ret;

	if (a[2] >= NR_WORKERS) {
		args.worker = a[2] == WEIRD ? 0 : 1ULL << 32 | a[2];
		return box_ioctl(b, a, SEDA_IOC_ENTER, &args, sizeof(args));
	}
	w = &b->worker[a[2]];
	nr = w->nr_ops;
	args.worker = w->id;
	args.min_events = a[3];
	args.max_events = a[4];
	args.timeout_ns = a[5];
	args.nr_ops = a[6] ? a[6] : nr;
	if (a[7]) {
		args.sigmask = a[7] == 1 ? (uintptr_t)&mask : a[7];
		args.sigset_size = a[7] == 2 ? 4 : 8;
	}
	if (a[8])
		args.flags = SEDA_ENTER_SUBMIT;
	if (a[8] == 1) {
		args.min_events = 0;
		args.max_events = 0;
		args.timeout_ns = 0;
		args.sigmask = 0;
		args.sigset_size = 0;
	}
	w->nr_ops = 0;
	ret = box_ioctl(b, a, SEDA_IOC_ENTER, &args, sizeof(args));
	if (ret >= 0 || ret == -EINTR)
		take_results(b, a[2], nr);
	take_events(b, a[2], ret);
	return ret;
}

long run_ctl(struct box *b, const uint64_t *a)
{
	char *base = worker_base(b, a[0]);
	struct seda_ctl *ctl;

	if (!base)
		return -ENXIO;
	ctl = (void *)(base + worker_setup(b, a[0])->ctl_off);
	ctl += a[1] % (worker_setup(b, a[0])->events ?: 1);
	ctl->flags = a[2];
	ctl->claim = a[3];
	return 0;
}

/*
 * Writes words all over the part of the arena that workers use: where (0: all
 * of it, 1: ops, 2: ctl), how many, from which number on.
 */
long run_scribble(struct box *b, const uint64_t *a)
{
	char *base = worker_base(b, a[0]);
	const struct seda_setup_args *s;
	size_t from = 0, words;
	uint64_t x = a[3] | 1;
	uint64_t i;

	if (!base)
		return -ENXIO;
	s = worker_setup(b, a[0]);
	words = s->worker_stride / 8;
	if (a[1] == 1)
		from = s->ops_off / 8;
	else if (a[1] == 2)
		from = s->ctl_off / 8;
	if (a[1] == 2)
		words = s->ops_off / 8;
	for (i = 0; i < a[2] % MAX_WORDS; i++) {
		volatile uint64_t *to = (void *)base;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		to += from + (x >> 8) % (words - from);
		if (a[1] == 1)
			*to ^= 1ULL << (x & 63);
		else
			*to = x & 1 ? x >> 32 : x & 0xff;
	}
	return 0;
}

/* The worker's next op, zeroed; NULL when there is no room. */
static struct seda_op *new_op(struct box *b, uint64_t place, uint8_t code,
			      uint64_t source)
{
	char *base = worker_base(b, place);
	struct seda_op *op;
	struct place *w;

	if (!base)
		return NULL;
	w = &b->worker[place];
	if (w->nr_ops >= MAX_OPS || w->nr_ops >= worker_setup(b, place)->ops)
		return NULL;
	op = (void *)(base + worker_setup(b, place)->ops_off);
	op += w->nr_ops;
	memset(op, 0, sizeof(*op));
	op->op = code;
	op->source = source;
	return op;
}

/* a is a call's; it is counted when its result comes. */
static long op_written(struct box *b, const uint64_t *a)
{
	struct place *w = &b->worker[a[0]];

	w->ops[w->nr_ops++] = (const void *)((const char *)a -
					     offsetof(struct call, a));
	return 0;
}

static uint32_t box_buf(const struct box *b, uint64_t place)
{
	return place < NR_BUFS ? b->buf[place] : place - WEIRD;
}

static long simple(struct box *b, const uint64_t *a, uint8_t code)
{
	struct seda_op *op = new_op(b, a[0], code, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->flags = a[2];
	return op_written(b, a);
}

long run_op_nop(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_NOP, 0);

	return op ? op_written(b, a) : -ENXIO;
}

/* len bytes from memory of the kind a[3]. */
long run_op_send(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SEND, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->len = a[2];
	op->addr = (uintptr_t)box_memory(b, a[3], a[2]);
	op->flags = a[4];
	op->user_data = a[2];
	return op_written(b, a);
}

long run_op_send_buf(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SEND, box_source(b, a[1]));
	const struct seda_setup_args *s;

	if (!op)
		return -ENXIO;
	s = worker_setup(b, a[0]);
	op->buf = box_buf(b, a[2]);
	op->addr = (uintptr_t)b->dev[b->worker[a[0]].dev].arena + s->bufs_off +
		   (uint64_t)op->buf * s->buf_size;
	op->len = a[3];
	op->flags = SEDA_SEND_BUF | a[4];
	return op_written(b, a);
}

long run_op_send_vec(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SEND, box_source(b, a[1]));
	struct seda_vec *vec = (void *)(b->mem + MEM_SIZE / 2);
	unsigned int i;

	if (!op)
		return -ENXIO;
	for (i = 0; i < 70; i++) {
		vec[i].addr = (uintptr_t)box_memory(b, i ? 0 : a[4], a[3]);
		vec[i].len = a[3];
	}
	op->flags = SEDA_SEND_VEC;
	op->addr = (uintptr_t)vec;
	op->len = a[2];
	return op_written(b, a);
}

/* A datagram to the socket in place a[3]. */
long run_op_send_to(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SEND, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->addr = (uintptr_t)b->mem;
	op->len = a[2];
	op->to.family = AF_INET;
	op->to.port = htons(a[3] < NR_FDS ? b->port[a[3]] : 9);
	memcpy(op->to.addr, "\x7f\0\0\1", 4);
	return op_written(b, a);
}

long run_op_recv(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_RECV, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->len = a[2];
	op->addr = (uintptr_t)box_memory(b, a[3], a[2]);
	return op_written(b, a);
}

long run_op_shutdown(struct box *b, const uint64_t *a)
{
	return simple(b, a, SEDA_OP_SHUTDOWN);
}

long run_op_close(struct box *b, const uint64_t *a)
{
	return simple(b, a, SEDA_OP_CLOSE);
}

long run_op_cancel(struct box *b, const uint64_t *a)
{
	return simple(b, a, SEDA_OP_CANCEL);
}

long run_op_disarm(struct box *b, const uint64_t *a)
{
	return simple(b, a, SEDA_OP_DISARM);
}

long run_op_release(struct box *b, const uint64_t *a)
{
	return simple(b, a, SEDA_OP_RELEASE);
}

/* mask is for watched files, first and period for timers. */
long run_op_arm(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_ARM, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->addr = a[2];
	op->first_ns = a[3];
	op->period_ns = a[4];
	return op_written(b, a);
}

long run_op_return(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_RETURN, 0);

	if (!op)
		return -ENXIO;
	op->buf = box_buf(b, a[1]);
	return op_written(b, a);
}

long run_op_set_data(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SET_DATA,
				    box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->user_data = a[2];
	return op_written(b, a);
}

long run_op_post(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_POST, box_stage(b, a[1]));

	if (!op)
		return -ENXIO;
	op->user_data = a[2];
	op->addr = a[3];
	return op_written(b, a);
}

/* The buffer's place is a[1]; it is known when the op has been submitted. */
long run_op_take(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_TAKE, 0);

	return op ? op_written(b, a) : -ENXIO;
}

/* a[2]: 0: a whole buffer. */
static long io(struct box *b, const uint64_t *a, uint8_t code)
{
	struct seda_op *op = new_op(b, a[0], code, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->len = a[2] ? a[2] : worker_setup(b, a[0])->buf_size;
	op->offset = a[3];
	op->buf = box_buf(b, a[4]);
	op->flags = a[5];
	op->user_data = a[6];
	op->addr = a[7];
	return op_written(b, a);
}

long run_op_read(struct box *b, const uint64_t *a)
{
	return io(b, a, SEDA_OP_READ);
}

long run_op_write(struct box *b, const uint64_t *a)
{
	return io(b, a, SEDA_OP_WRITE);
}

/* a[2] parts, of one buffer and the next that was taken in turns. */
static long io_vec(struct box *b, const uint64_t *a, uint8_t code)
{
	struct seda_op *op = new_op(b, a[0], code, box_source(b, a[1]));
	struct seda_seg *seg;
	unsigned int i;

	if (!op)
		return -ENXIO;
	/* each op of a submission has its own */
	seg = (void *)(b->mem + MEM_SIZE / 4);
	seg += b->worker[a[0]].nr_ops * 128;
	for (i = 0; i < 70; i++) {
		seg[i].buf = box_buf(b, i % 2 ? FIRST_TAKEN : a[4]);
		seg[i].skip = a[7];
		seg[i].len = worker_setup(b, a[0])->buf_size - a[7];
		seg[i].pad = 0;
	}
	seg[0].pad = a[8];
	op->len = a[2];
	op->offset = a[3];
	op->flags = SEDA_IO_VEC | a[5];
	op->user_data = a[6];
	op->addr = (uintptr_t)seg;
	return op_written(b, a);
}

long run_op_read_vec(struct box *b, const uint64_t *a)
{
	return io_vec(b, a, SEDA_OP_READ);
}

long run_op_write_vec(struct box *b, const uint64_t *a)
{
	return io_vec(b, a, SEDA_OP_WRITE);
}

/* What needs no buffer. */
static long io_range(struct box *b, const uint64_t *a, uint8_t code)
{
	struct seda_op *op = new_op(b, a[0], code, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->len = a[2];
	op->offset = a[3];
	op->flags = a[4];
	op->user_data = a[5];
	return op_written(b, a);
}

long run_op_sync(struct box *b, const uint64_t *a)
{
	return io_range(b, a, SEDA_OP_SYNC);
}

long run_op_advise(struct box *b, const uint64_t *a)
{
	return io_range(b, a, SEDA_OP_ADVISE);
}

long run_op_resident(struct box *b, const uint64_t *a)
{
	return io_range(b, a, SEDA_OP_RESIDENT);
}

long run_op_sendfile(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_SENDFILE,
				    box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->file = box_source(b, a[2]);
	op->len = a[3];
	op->offset = a[4];
	op->flags = a[5];
	op->user_data = a[3];
	return op_written(b, a);
}

long run_op_cancel_file(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], SEDA_OP_CANCEL, box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->flags = a[2];
	op->user_data = a[2] ? a[3] : 0;
	return op_written(b, a);
}

/* Any code, any words. */
long run_op_raw(struct box *b, const uint64_t *a)
{
	struct seda_op *op = new_op(b, a[0], a[2], box_source(b, a[1]));

	if (!op)
		return -ENXIO;
	op->flags = a[3];
	op->addr = a[4];
	op->len = a[5];
	op->buf = a[6];
	op->reserved = a[7];
	return op_written(b, a);
}

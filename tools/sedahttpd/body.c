// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Chunks of a transfer.  All transfers together use about CHUNK_BUDGET: the more
 * there are, the smaller their chunks.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "body.h"

#define CHUNK_BUDGET	(64u << 20)
#define CHUNK_MAX	(256u << 10)
#define CHUNK_MIN	(16u << 10)
/* "ffffffff\r\n" before and "\r\n" after a chunk on the wire. */
#define FRAME_HEAD	10
#define FRAME_TAIL	2

static size_t wanted_size(struct exchange *x)
{
	unsigned int transfers = atomic_load(&x->server->transfers);
	size_t size = CHUNK_BUDGET / (transfers ? transfers : 1);

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < CHUNK_MIN)
		size = CHUNK_MIN;
	/* A short file needs no more than itself, and its part heads. */
	if (!x->meta.endless && size > x->plan.body + CHUNK_MIN)
		size = x->plan.body + CHUNK_MIN;
	return size;
}

static bool has_chunk(struct exchange *x)
{
	size_t want = wanted_size(x);

	if (x->chunk && x->chunk_size <= 2 * want)
		return true;
	free(x->chunk);
	x->chunk = malloc(want);
	x->chunk_size = want;
	return x->chunk;
}

/*
 * Reads once what a FIFO has, framed for HTTP/1.1.  Its end is a chunk of length
 * 0, or for HTTP/1.0 the connection's.
 */
static int read_endless(struct exchange *x)
{
	bool framed = x->req.minor;
	size_t head = framed ? FRAME_HEAD : 0;
	struct out out = { x->chunk, 0, x->chunk_size, false };
	ssize_t n;

	do {
		/* before each: the signal that says so comes once at the end */
		n = -1;
		if (slow_cancelled(x))
			break;
		n = read(x->fd, x->chunk + head,
			 x->chunk_size - head - FRAME_TAIL - 1);
	} while (n < 0 && errno == EINTR);
	x->failed = n < 0;
	x->last = n <= 0;
	x->chunk_len = 0;
	if (x->failed)
		return 0;
	if (!framed) {
		x->chunk_len = n;
		return 0;
	}
	if (!n) {
		out_lit(&out, "0\r\n\r\n");
	} else {
		/* Padded to a fixed width, so that the data is in its place. */
		char saved = x->chunk[FRAME_HEAD];

		out_printf(&out, "%08zx\r\n", n);
		x->chunk[FRAME_HEAD] = saved;
		out.len += n;
		out_lit(&out, "\r\n");
	}
	x->chunk_len = out.len;
	return 0;
}

/* Reads from the current part as much as fits; false at the file's end. */
static bool read_part(struct exchange *x, struct out *out)
{
	const struct range *r = &x->plan.part[x->part];
	uint64_t left = range_len(r) - x->part_off;
	size_t room = out->size - out->len;
	ssize_t n;

	do
		n = pread(x->fd, out->p + out->len, left < room ? left : room,
			  r->first + x->part_off);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	out->len += n;
	x->part_off += n;
	if (x->part_off == range_len(r)) {
		x->part++;
		x->in_part = false;
	}
	return true;
}

static void read_parts(struct exchange *x)
{
	struct out out = { x->chunk, 0, x->chunk_size, false };
	const struct plan *plan = &x->plan;

	while (out.len < out.size) {
		if (!x->in_part) {
			size_t len = out.len;

			plan_put_part_head(plan, &x->meta, x->part, &out);
			if (out.overflow) {
				out.len = len;
				break;
			}
			x->last = x->part == plan->parts;
			x->in_part = true;
			x->part_off = 0;
		}
		if (x->last)
			break;
		if (!read_part(x, &out)) {
			x->failed = true;
			break;
		}
	}
	if (x->part == plan->parts && !plan->multipart)
		x->last = true;
	x->chunk_len = out.len;
}

int body_read(struct exchange *x)
{
	if (!has_chunk(x)) {
		x->failed = true;
		x->chunk_len = 0;
		return -503;
	}
	if (x->meta.endless)
		return read_endless(x);
	read_parts(x);
	return x->failed && !x->chunk_len ? -500 : 0;
}

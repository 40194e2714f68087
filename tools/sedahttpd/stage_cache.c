// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cache stage.  A hit is answered here and sees no other stage.  A miss goes
 * to the file stage if that has room, else it is refused while this is cheap.
 *
 * An entry older than CHECK_INTERVAL_NS is compared with its file first, by a
 * file thread.  If none is free at once the entry is served as it is: a file
 * system that hangs must not take the hits with it.
 */
#include "reply.h"
#include "stats.h"
#include "status.h"

static void miss(struct exchange *x)
{
	const struct options *o = &x->server->o;

	if (exchange_post_file(x, JOB_OPEN, o->file_threads + o->file_queue))
		return;
	stats_add(COUNT_REFUSED, 1);
	reply_status(x, 503, "Retry-After: 1\r\n");
}

/* Whether the entry is to be compared with its file before it is served. */
static bool needs_check(struct cache_entry *entry)
{
	uint64_t now = sedak_now();

	return now > atomic_load(&entry->checked_ns) + CHECK_INTERVAL_NS &&
	       !atomic_exchange(&entry->checking, true);
}

static void hit(struct exchange *x)
{
	struct server *server = x->server;

	if (needs_check(x->entry)) {
		/* With fewer jobs than threads it will not wait for any. */
		if (exchange_post_file(x, JOB_CHECK, server->o.file_threads))
			return;
		atomic_store(&x->entry->checking, false);
		cache_count_stale(server->cache);
	}
	reply_entry(x);
}

void cache_handler(struct sedak_stage *stage, struct sedak_event *events,
		   unsigned int n)
{
	struct server *server = sedak_stage_state(stage);
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct exchange *x = events[i].data;

		if (server->o.stats && status_reply(x))
			continue;
		x->entry = cache_get(server->cache, x->path, true);
		if (x->entry)
			hit(x);
		else
			miss(x);
	}
}

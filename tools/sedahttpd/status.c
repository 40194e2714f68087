// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /_seda/stats.json: one object, whose numbers are counters since the start
 * unless they say "now"; whoever reads it twice has rates.  All names and values
 * are ours and need no escaping.
 */
#include <stdlib.h>
#include <unistd.h>

#include "reply.h"
#include "stats.h"
#include "status.h"

#define JSON_SIZE	65536

static void put_number(struct out *out, const char *name, uint64_t value)
{
	out_printf(out, "\"%s\":%llu,", name, (unsigned long long)value);
}

static void put_array(struct out *out, const char *name, const uint64_t *value,
		      int n)
{
	int i;

	out_printf(out, "\"%s\":[", name);
	for (i = 0; i < n; i++) {
		if (i)
			out_lit(out, ",");
		out_u64(out, value[i]);
	}
	out_lit(out, "],");
}

/* Ends an object or an array: the last comma becomes the bracket. */
static void put_end(struct out *out, char bracket)
{
	if (out->p[out->len - 1] == ',')
		out->len--;
	out_printf(out, "%c,", bracket);
}

static void put_requests(struct out *out)
{
	struct stats_sum sum;

	stats_read(&sum);
	out_lit(out, "\"requests\":{");
	put_number(out, "total", sum.count[COUNT_REQUESTS]);
	put_number(out, "2xx", sum.count[COUNT_2XX]);
	put_number(out, "3xx", sum.count[COUNT_3XX]);
	put_number(out, "4xx", sum.count[COUNT_4XX]);
	put_number(out, "5xx", sum.count[COUNT_5XX]);
	put_number(out, "body_bytes", sum.count[COUNT_BODY_BYTES]);
	put_number(out, "timeouts", sum.count[COUNT_TIMEOUTS]);
	put_number(out, "refused", sum.count[COUNT_REFUSED]);
	put_number(out, "latency_ns", sum.latency_ns);
	put_array(out, "latency_log2_ns", sum.latency, LATENCY_BUCKETS);
	put_end(out, '}');
	out_lit(out, "\"files\":{");
	put_number(out, "opened", sum.count[COUNT_FILES_READ]);
}

static void put_files(struct out *out, struct server *server)
{
	put_number(out, "threads", server->o.file_threads);
	put_number(out, "queue_limit", server->o.file_queue);
	put_number(out, "jobs_now", atomic_load(&server->file_jobs));
	put_number(out, "transfers_now", atomic_load(&server->transfers));
	put_end(out, '}');
}

static void put_cache(struct out *out, struct server *server)
{
	struct cache_stats st;

	cache_read_stats(server->cache, &st);
	out_lit(out, "\"cache\":{");
	put_number(out, "hits", st.hits);
	put_number(out, "misses", st.misses);
	put_number(out, "stale", st.stale);
	put_number(out, "evicted", st.evicted);
	put_number(out, "entries_now", st.entries);
	put_number(out, "bytes_now", st.bytes);
	put_number(out, "bytes_limit", st.limit);
	put_end(out, '}');
}

static void put_runtime(struct out *out, struct server *server)
{
	struct sedak_rt_stats st = { .size = sizeof(st) };

	sedak_rt_get_stats(server->rt, &st);
	out_lit(out, "\"connections\":{");
	put_number(out, "now", st.conns);
	put_number(out, "limit", server->o.max_conns);
	put_number(out, "accepted", st.accepted);
	put_number(out, "closed", st.closed);
	put_number(out, "aborted", st.aborted);
	put_number(out, "accept_errors", st.accept_errors);
	put_number(out, "bytes_in", st.bytes_in);
	put_number(out, "bytes_out", st.bytes_out);
	put_end(out, '}');
	out_lit(out, "\"buffers\":{");
	put_number(out, "total", st.bufs);
	put_number(out, "held_now", st.bufs_held);
	put_number(out, "copied", st.bufs_copied);
	put_end(out, '}');
}

static void put_stage(struct out *out, const struct sedak_stage_stats *st)
{
	out_printf(out, "{\"name\":\"%s\",\"pool\":\"%s\",\"priority\":%d,",
		   st->name, st->pool, st->priority);
	put_number(out, "capacity", st->capacity);
	put_number(out, "queued_now", st->queued);
	put_number(out, "queued_max", st->queued_max);
	put_number(out, "deferred_now", st->deferred);
	put_number(out, "paused_now", st->paused);
	put_number(out, "enqueued", st->enqueued);
	put_number(out, "rejected", st->rejected);
	put_number(out, "delivered", st->delivered);
	put_number(out, "batches", st->batches);
	put_number(out, "batch_max", st->batch_max);
	put_number(out, "service_ns", st->service_ns);
	put_number(out, "delay_ns", st->delay_ns);
	put_number(out, "delay_nr", st->delay_nr);
	put_number(out, "delay_max_ns", st->delay_max_ns);
	put_number(out, "pauses", st->pauses);
	put_number(out, "sources_now", st->sources);
	put_number(out, "kernel_delivered", st->kernel_delivered);
	put_array(out, "service_log2_ns", st->service_hist,
		  SEDAK_HIST_BUCKETS);
	put_end(out, '}');
}

/* The stages, and what the kernel delivered to all of them together. */
static void put_stages(struct out *out, struct server *server)
{
	uint64_t delivered = 0;
	struct sedak_stage *stage;
	unsigned int i;

	out_lit(out, "\"stages\":[");
	for (i = 0; (stage = sedak_rt_stage(server->rt, i)); i++) {
		struct sedak_stage_stats st = { .size = sizeof(st) };

		sedak_stage_get_stats(stage, &st);
		delivered += st.kernel_delivered;
		put_stage(out, &st);
	}
	put_end(out, ']');
	put_number(out, "kernel_delivered", delivered);
}

static void put_pools(struct out *out, struct server *server)
{
	struct sedak_pool *pool;
	unsigned int i;

	out_lit(out, "\"pools\":[");
	for (i = 0; (pool = sedak_rt_pool(server->rt, i)); i++) {
		struct sedak_pool_stats st = { .size = sizeof(st) };

		sedak_pool_get_stats(pool, &st);
		out_printf(out, "{\"name\":\"%s\",", st.name);
		put_number(out, "workers", st.workers);
		put_number(out, "enters", st.enters);
		put_number(out, "waits", st.waits);
		put_number(out, "events", st.events);
		put_number(out, "ops", st.ops);
		put_number(out, "wakeups", st.wakeups);
		put_number(out, "timers_now", st.timers);
		put_end(out, '}');
	}
	put_end(out, ']');
}

static void put_all(struct out *out, struct server *server)
{
	uint64_t now = stats_clock();

	out_printf(out, "{\"server\":\"sedahttpd\",\"version\":\"%s\",",
		   SEDAHTTPD_VERSION);
	out_printf(out, "\"backend\":\"%s\",", sedak_rt_backend(server->rt));
	put_number(out, "pid", getpid());
	put_number(out, "time_ns", now);
	put_number(out, "uptime_ns", now - server->started_ns);
	put_requests(out);
	put_files(out, server);
	put_cache(out, server);
	put_runtime(out, server);
	put_stages(out, server);
	put_pools(out, server);
	if (server->log)
		put_number(out, "log_dropped", accesslog_dropped(server->log));
	put_end(out, '}');
	/* The comma that follows every value, and nothing follows here. */
	out->p[out->len - 1] = '\n';
}

static void reply_json(struct exchange *x)
{
	struct out out = { malloc(JSON_SIZE), 0, JSON_SIZE, false };

	if (out.p)
		put_all(&out, x->server);
	x->chunk = out.p;
	x->chunk_len = out.len;
	if (!out.p)
		reply_status(x, 503, "Retry-After: 1\r\n");
	else if (out.overflow)
		reply_status(x, 500, "");
	else
		reply_text(x, "application/json");
}

static void reply_page(struct exchange *x)
{
	x->chunk = malloc(status_page_len);
	if (!x->chunk) {
		reply_status(x, 503, "Retry-After: 1\r\n");
		return;
	}
	memcpy(x->chunk, status_page, status_page_len);
	x->chunk_len = status_page_len;
	reply_text(x, "text/html; charset=utf-8");
}

bool status_reply(struct exchange *x)
{
	struct str prefix = STR(STATUS_PATH);

	if (str_eq(x->path, STR(STATUS_PATH "stats.json")))
		reply_json(x);
	else if (str_eq(x->path, prefix))
		reply_page(x);
	else if (x->path.n == prefix.n - 1 &&
		 !memcmp(x->path.p, prefix.p, x->path.n))
		reply_redirect(x);
	else if (x->path.n > prefix.n &&
		 !memcmp(x->path.p, prefix.p, prefix.n))
		reply_status(x, 404, "");
	else
		return false;
	return true;
}

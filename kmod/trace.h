/* SPDX-License-Identifier: GPL-2.0 */
/* Tracepoints at the edges of an event's life: trace/events/seda. */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM seda

#if !defined(SEDA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SEDA_TRACE_H

#include <linux/tracepoint.h>

#include "seda.h"

DECLARE_EVENT_CLASS(seda_source,
	TP_PROTO(const struct seda_source *src),
	TP_ARGS(src),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, stage)
		__field(u32, kind)
	),
	TP_fast_assign(
		__entry->id = src->id;
		__entry->stage = (u32)src->stage->id;
		__entry->kind = src->kind->id;
	),
	TP_printk("source=%llx stage=%u kind=%u",
		  __entry->id, __entry->stage, __entry->kind)
);

/* in the table, and out of it */
DEFINE_EVENT(seda_source, seda_source_new,
	TP_PROTO(const struct seda_source *src), TP_ARGS(src));
DEFINE_EVENT(seda_source, seda_source_end,
	TP_PROTO(const struct seda_source *src), TP_ARGS(src));
/* ready: put on its stage's list */
DEFINE_EVENT(seda_source, seda_link,
	TP_PROTO(const struct seda_source *src), TP_ARGS(src));
/* no buffer for it */
DEFINE_EVENT(seda_source, seda_stall,
	TP_PROTO(const struct seda_source *src), TP_ARGS(src));

/* an event into a worker's slot */
TRACE_EVENT(seda_event,
	TP_PROTO(const struct seda_worker *w, const struct seda_source *src,
		 const struct seda_event *ev),
	TP_ARGS(w, src, ev),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, worker)
		__field(u32, events)
		__field(u32, len)
		__field(s32, res)
	),
	TP_fast_assign(
		__entry->id = src->id;
		__entry->worker = w->index;
		__entry->events = ev->events;
		__entry->len = ev->len;
		__entry->res = ev->res;
	),
	TP_printk("source=%llx worker=%u events=%x len=%u res=%d",
		  __entry->id, __entry->worker, __entry->events, __entry->len,
		  __entry->res)
);

DECLARE_EVENT_CLASS(seda_result,
	TP_PROTO(const struct seda_source *src, u64 user_data, int res),
	TP_ARGS(src, user_data, res),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, user_data)
		__field(s32, res)
	),
	TP_fast_assign(
		__entry->id = src->id;
		__entry->user_data = user_data;
		__entry->res = res;
	),
	TP_printk("source=%llx user_data=%llx res=%d",
		  __entry->id, __entry->user_data, __entry->res)
);

/* a send done at once (res: bytes), refused, or left to wait */
DEFINE_EVENT(seda_result, seda_send,
	TP_PROTO(const struct seda_source *src, u64 user_data, int res),
	TP_ARGS(src, user_data, res));
/* an op of a file that had to wait */
DEFINE_EVENT(seda_result, seda_io_end,
	TP_PROTO(const struct seda_source *src, u64 user_data, int res),
	TP_ARGS(src, user_data, res));

/* an op of a file has to wait */
TRACE_EVENT(seda_io,
	TP_PROTO(const struct seda_source *src, u64 user_data, u8 op),
	TP_ARGS(src, user_data, op),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, user_data)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->id = src->id;
		__entry->user_data = user_data;
		__entry->op = op;
	),
	TP_printk("source=%llx user_data=%llx op=%u",
		  __entry->id, __entry->user_data, __entry->op)
);

TRACE_EVENT(seda_send_wait,
	TP_PROTO(const struct seda_source *src, u64 user_data, u64 left),
	TP_ARGS(src, user_data, left),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, user_data)
		__field(u64, left)
	),
	TP_fast_assign(
		__entry->id = src->id;
		__entry->user_data = user_data;
		__entry->left = left;
	),
	TP_printk("source=%llx user_data=%llx left=%llu",
		  __entry->id, __entry->user_data, __entry->left)
);

DECLARE_EVENT_CLASS(seda_worker,
	TP_PROTO(const struct seda_worker *w),
	TP_ARGS(w),
	TP_STRUCT__entry(
		__field(u32, worker)
		__field(pid_t, pid)
	),
	TP_fast_assign(
		__entry->worker = w->index;
		__entry->pid = w->task->pid;
	),
	TP_printk("worker=%u pid=%d", __entry->worker, __entry->pid)
);

/* goes to sleep, and is chosen to wake */
DEFINE_EVENT(seda_worker, seda_park,
	TP_PROTO(const struct seda_worker *w), TP_ARGS(w));
DEFINE_EVENT(seda_worker, seda_wake,
	TP_PROTO(const struct seda_worker *w), TP_ARGS(w));

DECLARE_EVENT_CLASS(seda_call,
	TP_PROTO(const struct seda_worker *w, long n),
	TP_ARGS(w, n),
	TP_STRUCT__entry(
		__field(u32, worker)
		__field(long, n)
	),
	TP_fast_assign(
		__entry->worker = w->index;
		__entry->n = n;
	),
	TP_printk("worker=%u n=%ld", __entry->worker, __entry->n)
);

/* n: ops submitted */
DEFINE_EVENT(seda_call, seda_enter,
	TP_PROTO(const struct seda_worker *w, long n), TP_ARGS(w, n));
/* n: what ENTER returns */
DEFINE_EVENT(seda_call, seda_leave,
	TP_PROTO(const struct seda_worker *w, long n), TP_ARGS(w, n));

#endif /* SEDA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

// SPDX-License-Identifier: GPL-2.0
/* The calls of a program: names, arguments, how often they are made. */
#include "tests/fuzz/fuzz.h"

#define US	1000ULL
#define MS	1000000ULL

#define NUM(n, ...)	NUMBER(n, ARG_NUM, __VA_ARGS__)
#define RARE(n, ...)	NUMBER(n, ARG_RARE, __VA_ARGS__)
#define NUMBER(n, t, ...) {						\
	.name = n, .type = t,						\
	.nr = sizeof((const uint64_t[]){ __VA_ARGS__ }) / 8,		\
	.values = (const uint64_t[]){ __VA_ARGS__ },			\
}

#define USE(n, t, what)	{ .name = n, .type = t, .needs = what }
#define OUT(n, t, what)	{						\
	.name = n, .type = t, .fresh = true, .gives = what,		\
}

#define END(n, t, what)	{ .name = n, .type = t, .needs = what, .fresh = true }
#define ADD(n, t, old, avoid, new)	{				\
	.name = n, .type = t, .needs = old, .avoids = avoid, .gives = new, \
}

#define BAD		{ .name = "bad", .type = ARG_BAD }
#define DEV		USE("dev", ARG_DEV, DEV_SETUP), BAD
#define POOL		USE("pool", ARG_POOL, ALIVE)
#define STAGE		USE("stage", ARG_STAGE, ALIVE)
#define OP_ON(kinds)	USE("worker", ARG_WORKER, ALIVE),		\
			USE("source", ARG_SOURCE, kinds)
#define FD_OF(kinds)	USE("fd", ARG_FD, kinds)
#define FD_FREE(kinds)	ADD("fd", ARG_FD, kinds, FD_TAKEN, 0)
#define FD_TAKE(kinds)	ADD("fd", ARG_FD, kinds, FD_TAKEN, FD_TAKEN)
#define FD_OUT(n, kind)	OUT(n, ARG_FD, kind)
#define SOURCE_OUT(kind)	OUT("to", ARG_SOURCE, kind)

#define ANY_SOURCE	(SRC_ADOPTED | SRC_FDLESS | SRC_LISTEN | SRC_UDP | \
			 SRC_FILE | SRC_TIMER | SRC_DISK)
#define TCP_SOURCE	(SRC_ADOPTED | SRC_FDLESS | SRC_EVENT)
#define OWNED		SRC_EVENT
#define FD_STREAM	(FD_TCP | FD_UNIX | FD_PIPE_W | FD_EVENT | FD_UDP)
#define FD_READS	(FD_TCP | FD_UNIX | FD_PIPE_R | FD_EVENT | FD_UDP | \
			 FD_TIMER)
#define FD_ANY		((FD_TAKEN - 1) | FD_DISK)
#define FD_POLLS	(FD_STREAM | FD_READS | FD_LISTEN | FD_SIGNAL)

#define BUFFER		USE("buf", ARG_BUF, BUF_TAKEN)
#define NOWAIT		NUM("flags", 0, 0, 0, 0, SEDA_IO_NOWAIT)
#define USER_DATA	NUM("data", 1, 2, 3)
#define TIMES		0, 1, US, 20 * US, 200 * US, MS
#define OFFSETS		0, 0, 0, 4096, 8192, 65536, 60000, (8 << 20) - 100
#define LENGTHS		1, 1, 7, 64, 200, 256, 1000, 4096, 20000, 100000
#define DEVICE(n, w, r, ...)	{ #n, r, w, true, { __VA_ARGS__ } }
#define OUTSIDE(n, w, r, ...)	{ #n, r, w, false, { __VA_ARGS__ } }

const struct call_type call_types[] = {
	/* each program begins with these; they are made again now and then */
	DEVICE(open, 1, run_open, OUT("dev", ARG_DEV, DEV_OPEN),
	       NUM("keep", 0, 0, 0, 1)),
	DEVICE(setup, 3, run_setup, ADD("dev", ARG_DEV, DEV_OPEN, DEV_SETUP,
					DEV_SETUP), BAD,
	       NUM("workers", 4, 4, 3, 2), NUM("events", 16, 4, 4, 64),
	       NUM("ops", 16, 32, 8), NUM("bufs", 8, 1, 2, 40),
	       NUM("buf_size", 256, 64, 4096), NUM("sources", 32, 32, 32, 5)),
	DEVICE(map_arena, 3, run_map_arena,
	       ADD("dev", ARG_DEV, DEV_SETUP, DEV_ARENA, DEV_ARENA),
	       RARE("more", 4096, -4096ULL), RARE("ro", 1),
	       RARE("private", 1), RARE("off", 4096)),
	DEVICE(map_counters, 3, run_map_counters,
	       ADD("dev", ARG_DEV, DEV_SETUP, DEV_COUNTERS, DEV_COUNTERS),
	       RARE("more", 4096), RARE("rw", 1)),
	DEVICE(pool_create, 6, run_pool_create, DEV,
	       OUT("to", ARG_POOL, ALIVE), NUM("target", 1, 0, 2, 100)),
	DEVICE(stage_create, 10, run_stage_create, DEV,
	       OUT("to", ARG_STAGE, ALIVE), POOL, NUM("prio", 0, 1, 255),
	       NUM("batch", 0, 0, 0, 1, 2), NUM("delay", 20 * US, MS),
	       NUM("capacity", 0, 0, 1, 2, 16), NUM("posts", 4, 0, 1, 64)),
	DEVICE(join, 14, run_join, DEV,
	       ADD("to", ARG_WORKER, 0, ALIVE, ALIVE), POOL,
	       NUM("claim", 0, 0, 1)),

	/* the other calls of the device */
	DEVICE(info, 2, run_info, USE("dev", ARG_DEV, DEV_OPEN), BAD),
	DEVICE(pool_set, 6, run_pool_set, DEV, POOL,
	       NUM("target", 0, 1, 2, 100)),
	DEVICE(pool_destroy, 3, run_pool_destroy, DEV,
	       END("pool", ARG_POOL, ALIVE)),
	DEVICE(stage_set, 10, run_stage_set, DEV, STAGE, RARE("unused", 1),
	       NUM("prio", 0, 1, 255), NUM("batch", 0, 0, 1, 2, 5),
	       NUM("delay", 20 * US, MS, 1), NUM("capacity", 0, 1, 2, 16),
	       RARE("posts", 1)),
	DEVICE(stage_destroy, 4, run_stage_destroy, DEV,
	       END("stage", ARG_STAGE, ALIVE)),
	DEVICE(leave, 4, run_leave, USE("dev", ARG_DEV, DEV_SETUP),
	       END("worker", ARG_WORKER, ALIVE)),
	DEVICE(listen, 14, run_listen, DEV, SOURCE_OUT(SRC_LISTEN),
	       FD_TAKE(FD_LISTEN), STAGE, USE("children", ARG_STAGE, ALIVE),
	       NUM("flags", 0, 0, 1)),
	DEVICE(adopt_tcp, 24, run_adopt, DEV, SOURCE_OUT(SRC_ADOPTED),
	       FD_TAKE(FD_TCP), STAGE, NUM("flags", 0, 0, 1)),
	DEVICE(adopt_udp, 10, run_adopt, DEV, SOURCE_OUT(SRC_UDP),
	       FD_TAKE(FD_UDP), STAGE, NUM("flags", 0, 0, 1)),
	DEVICE(connect, 14, run_connect, DEV, SOURCE_OUT(SRC_FDLESS),
	       FD_OF(FD_LISTEN), STAGE, NUM("flags", 0, 0, 1),
	       NUM("timeout", 0, MS, 1000 * MS, US), RARE("where", 1, 2, 3, 4)),
	DEVICE(watch, 20, run_watch, DEV, SOURCE_OUT(SRC_FILE),
	       FD_FREE(FD_POLLS), STAGE, NUM("mask", 1, 4, 5, 0x2001, 0),
	       NUM("flags", 0, 1, 2, 3)),
	DEVICE(adopt_file, 24, run_adopt_file, DEV, SOURCE_OUT(SRC_DISK),
	       FD_OF(FD_DISK), STAGE, USE("miss", ARG_STAGE, ALIVE),
	       NUM("same", 0, 0, 1)),
	DEVICE(timer, 16, run_timer, DEV, SOURCE_OUT(SRC_TIMER), STAGE,
	       NUM("first", TIMES), NUM("period", 0, 10 * US, 100 * US, MS),
	       NUM("flags", 0, 0, 1)),
	DEVICE(post, 16, run_post, DEV, STAGE, NUM("data", 0, 1, -1ULL),
	       NUM("value", 0, 1, -1ULL)),
	DEVICE(close, 14, run_close, DEV,
	       END("source", ARG_SOURCE, ANY_SOURCE), NUM("flags", 0, 0, 1)),
	DEVICE(to_fd, 10, run_to_fd, DEV,
	       END("source", ARG_SOURCE, SRC_EVENT), NUM("flags", 0, 1),
	       FD_OUT("to", FD_TCP)),
	DEVICE(source_info, 8, run_source_info, DEV,
	       USE("source", ARG_SOURCE, ANY_SOURCE | SRC_EVENT)),
	DEVICE(enter, 150, run_enter, DEV, USE("worker", ARG_WORKER, ALIVE),
	       NUM("min", 0, 0, 0, 1), NUM("max", 0, 0, 0, 0, 1, 2, 4),
	       NUM("timeout", 0, 0, 0, US, US, 20 * US, 20 * US, 100 * US,
		   400 * US, SEDA_FOREVER),
	       RARE("nr", 1, 16, 17), RARE("mask", 1, 1, 2, 3),
	       NUM("submit", 0, 0, 0, 0, 0, 0, 1)),
	DEVICE(watch_dev, 1, run_nest, DEV, USE("on", ARG_DEV, DEV_OPEN), STAGE),
	DEVICE(raw, 1, run_raw, USE("dev", ARG_DEV, DEV_OPEN), BAD,
	       NUM("nr", 0, 1, 2, 5, 8, 10, 12, 13, 14, 17, 19, 20),
	       NUM("x", 112, 64, 32, 1ULL << 40), NUM("y", 0, 1),
	       NUM("z", 0, 1), NUM("u", 0, 1)),

	/* ops; ENTER submits them */
	DEVICE(op_nop, 2, run_op_nop, USE("worker", ARG_WORKER, ALIVE)),
	DEVICE(op_send, 26, run_op_send, OP_ON(TCP_SOURCE),
	       NUM("len", LENGTHS, 200000), RARE("from", 1, 2, 3, 4, 5),
	       NUM("flags", 0, 0, 4)),
	DEVICE(op_send_buf, 12, run_op_send_buf, OP_ON(TCP_SOURCE),
	       USE("buf", ARG_BUF, BUF_EVENT | BUF_TAKEN), NUM("len", 1, 64, 256),
	       NUM("flags", 0, 0, 4)),
	DEVICE(op_send_vec, 8, run_op_send_vec, OP_ON(TCP_SOURCE),
	       NUM("nr", 1, 2, 8, 64, 65, 512), NUM("len", 1, 100, 5000),
	       RARE("from", 1, 3, 5)),
	DEVICE(op_send_to, 8, run_op_send_to, OP_ON(SRC_UDP),
	       NUM("len", 1, 100, 1000, 0), USE("peer", ARG_FD, FD_UDP)),
	DEVICE(op_recv, 12, run_op_recv, OP_ON(SRC_EVENT),
	       NUM("len", LENGTHS), RARE("to", 1, 2, 4)),
	DEVICE(op_shutdown, 5, run_op_shutdown, OP_ON(TCP_SOURCE)),
	DEVICE(op_close, 10, run_op_close, OP_ON(ANY_SOURCE | SRC_EVENT),
	       NUM("flags", 0, 0, 1)),
	DEVICE(op_quiet, 8, run_op_close, OP_ON(SRC_EVENT), NUM("flags", 2, 3)),
	DEVICE(op_cancel, 5, run_op_cancel, OP_ON(TCP_SOURCE)),
	DEVICE(op_arm, 5, run_op_arm, OP_ON(ANY_SOURCE & ~SRC_TIMER &
					    ~SRC_FILE & ~SRC_DISK)),
	DEVICE(op_arm_file, 5, run_op_arm, OP_ON(SRC_FILE),
	       NUM("mask", 0, 1, 4, 5)),
	DEVICE(op_arm_timer, 6, run_op_arm, OP_ON(SRC_TIMER), RARE("unused", 1),
	       NUM("first", TIMES), NUM("period", 0, 10 * US, MS)),
	DEVICE(op_disarm, 8, run_op_disarm, OP_ON(ANY_SOURCE & ~SRC_DISK)),
	DEVICE(op_release, 10, run_op_release, OP_ON(SRC_EVENT)),
	DEVICE(op_return, 6, run_op_return, USE("worker", ARG_WORKER, ALIVE),
	       USE("buf", ARG_BUF, BUF_EVENT | BUF_TAKEN)),
	DEVICE(op_set_data, 4, run_op_set_data, OP_ON(ANY_SOURCE | SRC_EVENT),
	       NUM("data", 0, 1, -1ULL)),
	DEVICE(op_post, 8, run_op_post, USE("worker", ARG_WORKER, ALIVE), STAGE,
	       NUM("data", 0, 1), NUM("value", 0, -1ULL)),
	DEVICE(op_take, 14, run_op_take, USE("worker", ARG_WORKER, ALIVE),
	       OUT("to", ARG_BUF, BUF_TAKEN)),
	DEVICE(op_read, 40, run_op_read, OP_ON(SRC_DISK),
	       NUM("len", 0, 0, 0, 1, 64, 512), NUM("offset", OFFSETS),
	       BUFFER, NOWAIT, USER_DATA, RARE("skip", 1, 64)),
	DEVICE(op_read_vec, 16, run_op_read_vec, OP_ON(SRC_DISK),
	       NUM("nr", 1, 2, 8, 64, 65, 0), NUM("offset", OFFSETS), BUFFER,
	       NOWAIT, USER_DATA, RARE("skip", 1, 64), RARE("pad", 1)),
	DEVICE(op_write, 24, run_op_write, OP_ON(SRC_DISK),
	       NUM("len", 0, 0, 0, 1, 64, 512), NUM("offset", OFFSETS),
	       BUFFER, NOWAIT, USER_DATA, RARE("skip", 1, 64)),
	DEVICE(op_write_vec, 10, run_op_write_vec, OP_ON(SRC_DISK),
	       NUM("nr", 1, 2, 8, 64, 65, 0), NUM("offset", OFFSETS), BUFFER,
	       NOWAIT, USER_DATA, RARE("skip", 1, 64), RARE("pad", 1)),
	DEVICE(op_sync, 8, run_op_sync, OP_ON(SRC_DISK),
	       NUM("len", 0, 4096), NUM("offset", OFFSETS),
	       NUM("flags", 0, 0, 4, 2), USER_DATA),
	DEVICE(op_advise, 10, run_op_advise, OP_ON(SRC_DISK),
	       NUM("len", 0, 0, 4096, 65536), NUM("offset", OFFSETS),
	       NUM("flags", 0, 4, 4, 4, 2), USER_DATA),
	DEVICE(op_resident, 6, run_op_resident, OP_ON(SRC_DISK),
	       NUM("len", 1, 4096, 65536, -1U), NUM("offset", OFFSETS),
	       RARE("flags", 1)),
	DEVICE(op_sendfile, 30, run_op_sendfile, OP_ON(SRC_ADOPTED | SRC_FDLESS),
	       USE("file", ARG_SOURCE, SRC_DISK),
	       NUM("len", LENGTHS, 65536, 300000), NUM("offset", OFFSETS),
	       NUM("flags", 0, 0, 0, 4, 4, 2)),
	DEVICE(op_cancel_file, 8, run_op_cancel_file, OP_ON(SRC_DISK),
	       NUM("flags", 0, 1), USER_DATA),
	DEVICE(op_raw, 3, run_op_raw, OP_ON(ANY_SOURCE | SRC_EVENT),
	       NUM("code", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		   16, 17, 18, 19, 255),
	       NUM("flags", 0, 1, 2, 4, 8), NUM("addr", 0, 1, 4096),
	       NUM("len", 0, 1, 8), NUM("buf", 0, 1, -1ULL), NUM("last", 0, 1)),

	/* what applications do besides */
	OUTSIDE(ctl, 24, run_ctl, USE("worker", ARG_WORKER, ALIVE),
		NUM("slot", 0, 0, 0, 0, 0, 1, 2), NUM("flags", 1, 2, 3, 3),
		RARE("claim", 1, 2, 3)),
	OUTSIDE(scribble, 6, run_scribble, USE("worker", ARG_WORKER, ALIVE),
		NUM("where", 0, 1, 1, 2), NUM("nr", 10, 200, 4000),
		NUM("seed", 1, 2, 3, 4, 5)),
	OUTSIDE(pair, 26, run_pair, FD_OUT("to", FD_TCP),
		FD_OUT("peer", FD_TCP), NUM("small", 0, 0, 4096)),
	OUTSIDE(listener, 10, run_listener, FD_OUT("to", FD_LISTEN),
		NUM("backlog", 16, 1, 0)),
	OUTSIDE(dial, 14, run_dial, FD_OUT("to", FD_TCP), FD_OF(FD_LISTEN),
		NUM("write", 0, 1, 300)),
	OUTSIDE(accept, 2, run_accept, FD_OUT("to", FD_TCP), FD_OF(FD_LISTEN)),
	OUTSIDE(udp, 8, run_udp, FD_OUT("to", FD_UDP), FD_OUT("peer", FD_UDP),
		NUM("both", 0, 1)),
	OUTSIDE(eventfd, 6, run_eventfd, FD_OUT("to", FD_EVENT),
		NUM("value", 0, 1, 5), NUM("semaphore", 0, 1)),
	OUTSIDE(pipe, 5, run_pipe, FD_OUT("to", FD_PIPE_R),
		FD_OUT("in", FD_PIPE_W)),
	OUTSIDE(timerfd, 4, run_timerfd, FD_OUT("to", FD_TIMER),
		NUM("first", TIMES), NUM("period", 0, 100 * US)),
	OUTSIDE(unix, 4, run_unix, FD_OUT("to", FD_UNIX),
		FD_OUT("peer", FD_UNIX), NUM("datagrams", 0, 1)),
	OUTSIDE(file, 16, run_file, FD_OUT("to", FD_DISK),
		NUM("kind", 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9),
		NUM("len", 0, 1000, 300000, 300000, 8 << 20)),
	OUTSIDE(touch, 14, run_touch, FD_OF(FD_DISK),
		NUM("how", 0, 0, 0, 1, 1, 2, 3, 4), NUM("offset", OFFSETS),
		NUM("len", LENGTHS)),
	OUTSIDE(signalfd, 1, run_signalfd, FD_OUT("to", FD_SIGNAL)),
	OUTSIDE(epoll, 2, run_epoll, FD_OUT("to", FD_EPOLL)),
	OUTSIDE(write, 45, run_write, FD_FREE(FD_STREAM), NUM("len", 8, LENGTHS)),
	OUTSIDE(read, 12, run_read, FD_FREE(FD_READS), NUM("len", 8, LENGTHS)),
	OUTSIDE(shutdown, 6, run_shut, FD_FREE(FD_TCP), NUM("how", 1, 0, 2)),
	OUTSIDE(close_fd, 8, run_close_fd, END("fd", ARG_FD, FD_ANY)),
	OUTSIDE(reset, 6, run_reset, END("fd", ARG_FD, FD_TCP)),
	OUTSIDE(option, 5, run_option, FD_OF(FD_TCP),
		NUM("which", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
		NUM("value", 0, 1, 4096)),
	OUTSIDE(urgent, 4, run_urgent, FD_FREE(FD_TCP)),
	OUTSIDE(disconnect, 2, run_disconnect, FD_OF(FD_TCP | FD_UDP)),
	OUTSIDE(dup, 4, run_dup, FD_OUT("to", FD_TCP), FD_OF(FD_TCP)),

	/* lives */
	DEVICE(unmap, 1, run_unmap, USE("dev", ARG_DEV, DEV_ARENA),
	       NUM("which", 0, 1, 2)),
	DEVICE(remap, 1, run_remap, USE("dev", ARG_DEV, DEV_ARENA),
	       NUM("how", 0, 1)),
	DEVICE(dup_dev, 3, run_dup_dev, OUT("to", ARG_DEV, DEV_SETUP),
	       USE("dev", ARG_DEV, DEV_SETUP), RARE("open", 1)),
	OUTSIDE(close_dev, 1, run_close_dev, END("dev", ARG_DEV, DEV_OPEN)),
	OUTSIDE(fork, 1, run_fork, USE("dev", ARG_DEV, DEV_OPEN),
		NUM("child", 0, 1, 2, 3, 4)),
	OUTSIDE(pass, 2, run_pass, USE("dev", ARG_DEV, DEV_OPEN),
		FD_OF(FD_UNIX), NUM("self", 0, 0, 1)),
	OUTSIDE(poll_dev, 5, run_poll_dev, USE("dev", ARG_DEV, DEV_OPEN),
		NUM("ms", 0, 0, 1)),
	OUTSIDE(epoll_dev, 3, run_epoll_dev, USE("dev", ARG_DEV, DEV_OPEN),
		FD_OF(FD_EPOLL), NUM("remove", 0, 0, 1)),
	OUTSIDE(fdinfo, 1, run_fdinfo, USE("dev", ARG_DEV, DEV_OPEN)),
	OUTSIDE(debugfs, 1, run_debugfs),
	OUTSIDE(signal, 4, run_signal, NUM("thread", 1, 2), NUM("how", 0, 1)),
	OUTSIDE(exit, 4, run_exit, END("worker", ARG_WORKER, 0)),
	OUTSIDE(sleep, 3, run_sleep, NUM("ns", 20 * US, 200 * US, MS)),
};

const unsigned int nr_call_types = ARRAY_LEN(call_types);

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every size and offset of the UAPI as a number, checked when it is compiled:
 * as C and C++, for 64 and 32 bits.
 */
#include <stddef.h>

#include <linux/seda.h>

#ifdef __cplusplus
#define ABI_ASSERT(x)	static_assert(x, #x)
#else
#define ABI_ASSERT(x)	_Static_assert(x, #x)
#endif

#define SIZE(type, size)	ABI_ASSERT(sizeof(struct type) == (size))
#define AT(type, member, at)	ABI_ASSERT(offsetof(struct type, member) == (at))
#define IS(name, value)		ABI_ASSERT((name) == (value))

SIZE(seda_addr, 24);
AT(seda_addr, family, 0);
AT(seda_addr, port, 2);
AT(seda_addr, scope_id, 4);
AT(seda_addr, addr, 8);

SIZE(seda_event, 64);
AT(seda_event, source, 0);
AT(seda_event, user_data, 8);
AT(seda_event, events, 16);
AT(seda_event, stage, 20);
AT(seda_event, seq, 24);
AT(seda_event, res, 28);
AT(seda_event, buf, 32);
AT(seda_event, len, 36);
AT(seda_event, child, 32);
AT(seda_event, amount, 40);
AT(seda_event, done, 48);
AT(seda_event, reserved, 56);
AT(seda_event, peer, 40);

SIZE(seda_ctl, 8);
AT(seda_ctl, flags, 0);
AT(seda_ctl, claim, 4);

SIZE(seda_op, 64);
AT(seda_op, op, 0);
AT(seda_op, pad, 1);
AT(seda_op, flags, 2);
AT(seda_op, res, 4);
AT(seda_op, source, 8);
AT(seda_op, user_data, 16);
AT(seda_op, addr, 24);
AT(seda_op, len, 32);
AT(seda_op, buf, 36);
AT(seda_op, first_ns, 40);
AT(seda_op, period_ns, 48);
AT(seda_op, reserved, 56);
AT(seda_op, to, 40);
AT(seda_op, offset, 40);
AT(seda_op, file, 48);

SIZE(seda_seg, 16);
AT(seda_seg, buf, 0);
AT(seda_seg, skip, 4);
AT(seda_seg, len, 8);
AT(seda_seg, pad, 12);

SIZE(seda_vec, 16);
AT(seda_vec, addr, 0);
AT(seda_vec, len, 8);

SIZE(seda_app_counters, 128);
AT(seda_app_counters, bufs_free, 0);
AT(seda_app_counters, bufs_kept, 4);
AT(seda_app_counters, stalled, 8);
AT(seda_app_counters, sources, 12);
AT(seda_app_counters, workers, 16);
AT(seda_app_counters, pad, 20);
AT(seda_app_counters, reserved, 24);

SIZE(seda_stage_counters, 128);
AT(seda_stage_counters, pending, 0);
AT(seda_stage_counters, outstanding, 8);
AT(seda_stage_counters, oldest_ns, 16);
AT(seda_stage_counters, linked, 24);
AT(seda_stage_counters, delivered, 32);
AT(seda_stage_counters, harvests, 40);
AT(seda_stage_counters, stalls, 48);
AT(seda_stage_counters, rejected, 56);
AT(seda_stage_counters, received, 64);
AT(seda_stage_counters, sources, 72);
AT(seda_stage_counters, posts, 80);
AT(seda_stage_counters, ios, 88);
AT(seda_stage_counters, misses, 96);
AT(seda_stage_counters, hits, 104);
AT(seda_stage_counters, busy, 112);
AT(seda_stage_counters, reserved, 120);

SIZE(seda_info_args, 40);
AT(seda_info_args, size, 0);
AT(seda_info_args, abi_version, 4);
AT(seda_info_args, features, 8);
AT(seda_info_args, ops, 16);
AT(seda_info_args, ioctls, 24);
AT(seda_info_args, max_arena_pages, 32);
AT(seda_info_args, max_sources, 36);

SIZE(seda_setup_args, 80);
AT(seda_setup_args, size, 0);
AT(seda_setup_args, flags, 4);
AT(seda_setup_args, workers, 8);
AT(seda_setup_args, events, 12);
AT(seda_setup_args, ops, 16);
AT(seda_setup_args, bufs, 20);
AT(seda_setup_args, buf_size, 24);
AT(seda_setup_args, sources, 28);
AT(seda_setup_args, counters_size, 32);
AT(seda_setup_args, arena_size, 40);
AT(seda_setup_args, workers_off, 48);
AT(seda_setup_args, bufs_off, 56);
AT(seda_setup_args, worker_stride, 64);
AT(seda_setup_args, ctl_off, 68);
AT(seda_setup_args, ops_off, 72);
AT(seda_setup_args, pad, 76);

SIZE(seda_pool_args, 24);
AT(seda_pool_args, size, 0);
AT(seda_pool_args, flags, 4);
AT(seda_pool_args, pool, 8);
AT(seda_pool_args, concurrency, 16);
AT(seda_pool_args, pad, 20);

SIZE(seda_stage_args, 64);
AT(seda_stage_args, size, 0);
AT(seda_stage_args, flags, 4);
AT(seda_stage_args, stage, 8);
AT(seda_stage_args, pool, 16);
AT(seda_stage_args, priority, 24);
AT(seda_stage_args, min_batch, 28);
AT(seda_stage_args, max_delay_ns, 32);
AT(seda_stage_args, capacity, 40);
AT(seda_stage_args, posts, 44);
AT(seda_stage_args, name, 48);

SIZE(seda_join_args, 24);
AT(seda_join_args, pool, 8);
AT(seda_join_args, worker, 16);

SIZE(seda_id_args, 16);
AT(seda_id_args, flags, 4);
AT(seda_id_args, id, 8);

SIZE(seda_listen_args, 56);
AT(seda_listen_args, fd, 8);
AT(seda_listen_args, pad, 12);
AT(seda_listen_args, stage, 16);
AT(seda_listen_args, child_stage, 24);
AT(seda_listen_args, user_data, 32);
AT(seda_listen_args, child_data, 40);
AT(seda_listen_args, source, 48);

SIZE(seda_adopt_args, 40);
AT(seda_adopt_args, fd, 8);
AT(seda_adopt_args, pad, 12);
AT(seda_adopt_args, stage, 16);
AT(seda_adopt_args, user_data, 24);
AT(seda_adopt_args, source, 32);

SIZE(seda_connect_args, 88);
AT(seda_connect_args, stage, 8);
AT(seda_connect_args, user_data, 16);
AT(seda_connect_args, timeout_ns, 24);
AT(seda_connect_args, peer, 32);
AT(seda_connect_args, local, 56);
AT(seda_connect_args, source, 80);

SIZE(seda_watch_args, 40);
AT(seda_watch_args, fd, 8);
AT(seda_watch_args, mask, 12);
AT(seda_watch_args, stage, 16);
AT(seda_watch_args, user_data, 24);
AT(seda_watch_args, source, 32);

SIZE(seda_file_args, 48);
AT(seda_file_args, fd, 8);
AT(seda_file_args, pad, 12);
AT(seda_file_args, stage, 16);
AT(seda_file_args, miss_stage, 24);
AT(seda_file_args, user_data, 32);
AT(seda_file_args, source, 40);

SIZE(seda_timer_args, 48);
AT(seda_timer_args, stage, 8);
AT(seda_timer_args, user_data, 16);
AT(seda_timer_args, first_ns, 24);
AT(seda_timer_args, period_ns, 32);
AT(seda_timer_args, source, 40);

SIZE(seda_post_args, 32);
AT(seda_post_args, stage, 8);
AT(seda_post_args, user_data, 16);
AT(seda_post_args, value, 24);

SIZE(seda_to_fd_args, 16);
AT(seda_to_fd_args, source, 8);

SIZE(seda_source_info_args, 96);
AT(seda_source_info_args, source, 8);
AT(seda_source_info_args, kind, 16);
AT(seda_source_info_args, stage, 20);
AT(seda_source_info_args, seq, 24);
AT(seda_source_info_args, sends, 28);
AT(seda_source_info_args, queued, 32);
AT(seda_source_info_args, user_data, 40);
AT(seda_source_info_args, local, 48);
AT(seda_source_info_args, peer, 72);

SIZE(seda_enter_args, 48);
AT(seda_enter_args, worker, 8);
AT(seda_enter_args, nr_ops, 16);
AT(seda_enter_args, min_events, 20);
AT(seda_enter_args, max_events, 24);
AT(seda_enter_args, sigset_size, 28);
AT(seda_enter_args, timeout_ns, 32);
AT(seda_enter_args, sigmask, 40);

IS(SEDA_ABI_VERSION, 1);
IS(SEDA_MAX_POOLS, 16);
IS(SEDA_MAX_STAGES, 64);
IS(SEDA_MAX_WORKERS, 1024);
IS(SEDA_MAX_EVENTS, 1024);
IS(SEDA_MAX_OPS, 4096);
IS(SEDA_MAX_SOURCES, 1048576);
IS(SEDA_MAX_BUFS, 1048576);
IS(SEDA_MIN_BUF_SIZE, 64);
IS(SEDA_MAX_BUF_SIZE, 1048576);
IS(SEDA_MAX_ARENA, 2147483648ULL);
IS(SEDA_MAX_CAPACITY, 1048576);
IS(SEDA_MAX_POSTS, 65536);
IS(SEDA_MAX_VEC, 64);
IS(SEDA_MAX_SENDS, 1024);
IS(SEDA_MAX_SEND_LEN, 1073741824);
IS(SEDA_MAX_IO_LEN, 1048576);
IS(SEDA_NAME_LEN, 16);
IS(SEDA_FOREVER, 0xffffffffffffffffULL);
IS(SEDA_NO_BUF, 0xffffffffU);
IS(SEDA_MMAP_COUNTERS, 0);
IS(SEDA_MMAP_ARENA, 0x100000000ULL);
IS(SEDA_MIN_PERIOD_NS, 10000);

IS(SEDA_EV_IN, 0x1);
IS(SEDA_EV_EOF, 0x2);
IS(SEDA_EV_ERR, 0x4);
IS(SEDA_EV_SENT, 0x8);
IS(SEDA_EV_ACCEPT, 0x10);
IS(SEDA_EV_CONNECT, 0x20);
IS(SEDA_EV_TIMER, 0x40);
IS(SEDA_EV_POST, 0x80);
IS(SEDA_EV_READY, 0x100);
IS(SEDA_EV_CLOSED, 0x200);
IS(SEDA_EV_TRUNC, 0x400);
IS(SEDA_EV_MORE, 0x800);
IS(SEDA_EV_CANCELED, 0x1000);
IS(SEDA_EV_DONE, 0x2000);

IS(SEDA_CTL_HOLD, 1);
IS(SEDA_CTL_KEEP, 2);
IS(SEDA_CLAIM_CLOSED, 0xffffffffU);

IS(SEDA_OP_NOP, 0);
IS(SEDA_OP_SEND, 1);
IS(SEDA_OP_RECV, 2);
IS(SEDA_OP_SHUTDOWN, 3);
IS(SEDA_OP_CLOSE, 4);
IS(SEDA_OP_CANCEL, 5);
IS(SEDA_OP_ARM, 6);
IS(SEDA_OP_DISARM, 7);
IS(SEDA_OP_RELEASE, 8);
IS(SEDA_OP_RETURN, 9);
IS(SEDA_OP_SET_DATA, 10);
IS(SEDA_OP_POST, 11);
IS(SEDA_OP_TAKE, 12);
IS(SEDA_OP_READ, 13);
IS(SEDA_OP_WRITE, 14);
IS(SEDA_OP_SYNC, 15);
IS(SEDA_OP_ADVISE, 16);
IS(SEDA_OP_RESIDENT, 17);
IS(SEDA_OP_SENDFILE, 18);
IS(SEDA_OP_LAST, 19);

IS(SEDA_SEND_VEC, 1);
IS(SEDA_SEND_BUF, 2);
IS(SEDA_SEND_MORE, 4);
IS(SEDA_IO_VEC, 1);
IS(SEDA_IO_NOWAIT, 2);
IS(SEDA_SYNC_DATA, 4);
IS(SEDA_ADVISE_DROP, 4);
IS(SEDA_CANCEL_ONE, 1);
IS(SEDA_ENTER_SUBMIT, 1);
IS(SEDA_CLOSE_ABORT, 1);
IS(SEDA_CLOSE_QUIET, 2);
IS(SEDA_FEATURE_FDLESS, 1);
IS(SEDA_FEATURE_CLAIM, 2);
IS(SEDA_WORKER_CLAIM, 1);
IS(SEDA_SOURCE_NOBUF, 1);
IS(SEDA_WATCH_EDGE, 1);
IS(SEDA_WATCH_ONESHOT, 2);
IS(SEDA_TIMER_ABS, 1);
IS(SEDA_FD_CLOEXEC, 1);

IS(SEDA_KIND_TCP, 1);
IS(SEDA_KIND_LISTEN, 2);
IS(SEDA_KIND_UDP, 3);
IS(SEDA_KIND_FILE, 4);
IS(SEDA_KIND_TIMER, 5);
IS(SEDA_KIND_DISK, 6);

IS(SEDA_IOC_INFO, 0xc000da00U);
IS(SEDA_IOC_SETUP, 0xc000da01U);
IS(SEDA_IOC_POOL_CREATE, 0xc000da02U);
IS(SEDA_IOC_POOL_SET, 0xc000da03U);
IS(SEDA_IOC_POOL_DESTROY, 0xc000da04U);
IS(SEDA_IOC_STAGE_CREATE, 0xc000da05U);
IS(SEDA_IOC_STAGE_SET, 0xc000da06U);
IS(SEDA_IOC_STAGE_DESTROY, 0xc000da07U);
IS(SEDA_IOC_WORKER_JOIN, 0xc000da08U);
IS(SEDA_IOC_WORKER_LEAVE, 0xc000da09U);
IS(SEDA_IOC_LISTEN, 0xc000da0aU);
IS(SEDA_IOC_ADOPT, 0xc000da0bU);
IS(SEDA_IOC_CONNECT, 0xc000da0cU);
IS(SEDA_IOC_WATCH, 0xc000da0dU);
IS(SEDA_IOC_TIMER, 0xc000da0eU);
IS(SEDA_IOC_POST, 0xc000da0fU);
IS(SEDA_IOC_CLOSE, 0xc000da10U);
IS(SEDA_IOC_TO_FD, 0xc000da11U);
IS(SEDA_IOC_SOURCE_INFO, 0xc000da12U);
IS(SEDA_IOC_ENTER, 0xc000da13U);
IS(SEDA_IOC_FILE, 0xc000da14U);

// SPDX-License-Identifier: GPL-2.0-or-later
/* Puts the server together and takes it apart; see server.h. */
#include <arpa/inet.h>
#include <errno.h>
#include <http_parser.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "exchange.h"
#include "stats.h"
#include "status.h"

/* Between two looks at file threads that wait for clients long gone. */
#define TICK_NS		200000000ULL

static int complain(const char *what, int err, const char *advice)
{
	fprintf(stderr, "sedahttpd: %s: %s%s%s\n", what, strerror(-err),
		*advice ? "; " : "", advice);
	return 1;
}

static void log_message(void *arg, int level, const char *msg)
{
	const struct server *server = arg;

	if (level <= SEDAK_LOG_WARNING || !server->o.quiet)
		fprintf(stderr, "sedahttpd: %s\n", msg);
}

/* Every connection may need a descriptor; ask for what we may have. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int create_runtime(struct server *server)
{
	struct sedak_rt_opts opts = {
		.size = sizeof(opts),
		.backend = server->o.backend,
		.workers = server->o.workers,
		.max_conns = server->o.max_conns,
		.more_workers = server->o.file_threads,
		.log = log_message,
		.log_arg = server,
	};
	int err = sedak_rt_create(&opts, &server->rt);

	if (!err)
		return 0;
	if (err == -ENODEV)
		return complain("cannot use /dev/seda", err,
			"load the module (modprobe seda), or use --backend epoll");
	if (err == -EACCES || err == -EPERM)
		return complain("cannot use /dev/seda", err,
			"join the group seda, or use --backend epoll");
	if (err == -ENOMEM)
		return complain("cannot start", err,
				"raise ulimit -l, or choose fewer --workers and --file-threads");
	return complain("cannot start", err,
			"check SEDAK_BACKEND and --workers");
}

/*
 * All queues but the cache's have room for one exchange of every client, so a
 * post fails only when the server stops.  What is refused is refused by the
 * cache stage, by counting.
 */
static int create_stages(struct server *server)
{
	struct sedak_pool_opts pool_opts = {
		.size = sizeof(pool_opts),
		.name = "file",
		.workers = server->o.file_threads,
		.max_events = 1,
	};
	struct sedak_stage_opts opts[] = {
		{ .name = "accept", .handler = accept_handler, .priority = 3 },
		{ .name = "parse", .handler = parse_handler, .priority = 2 },
		{ .name = "cache", .handler = cache_handler, .priority = 1 },
		{ .name = "file", .handler = file_handler, .max_batch = 1 },
		{ .name = "send", .handler = send_handler },
	};
	struct sedak_stage **stages[] = {
		&server->accept, &server->parse, &server->cache_stage,
		&server->file, &server->send,
	};
	struct sedak_pool *pool = NULL;
	unsigned int i;
	int err;

	err = sedak_pool_create(server->rt, &pool_opts, &pool);
	for (i = 0; !err && i < ARRAY_SIZE(opts); i++) {
		opts[i].size = sizeof(opts[i]);
		opts[i].state = server;
		opts[i].capacity = server->o.max_conns + server->o.file_queue;
		if (stages[i] == &server->file)
			opts[i].pool = pool;
		err = sedak_stage_create(server->rt, &opts[i], stages[i]);
	}
	if (!err)
		err = sedak_timer_create(server->accept, NULL, &server->tick);
	if (!err)
		err = sedak_timer_set(server->tick, TICK_NS, TICK_NS);
	return err ? complain("cannot make the stages", err, "") : 0;
}

static int listen_on(struct server *server)
{
	struct sedak_listen_opts opts = {
		.size = sizeof(opts),
		.host = server->o.listen,
		.port = server->o.port,
		.stage = server->accept,
		.conn_stage = server->parse,
	};
	int err = sedak_listen(&opts, &server->listener);
	char what[128];

	if (!err)
		return 0;
	snprintf(what, sizeof(what), "cannot listen on %s port %u",
		 server->o.listen ? server->o.listen : "any address,",
		 server->o.port);
	if (err == -EADDRINUSE)
		return complain(what, err,
				"stop what uses it, or choose another --port");
	if (err == -EACCES)
		return complain(what, err, "choose a --port of 1024 or more");
	return complain(what, err, err == -EINVAL || err == -EADDRNOTAVAIL ?
			"--listen takes a numeric address of this machine" :
			"");
}

static int open_files(struct server *server)
{
	int err = root_init(&server->root, server->o.root);

	if (err)
		return complain(server->o.root, err,
				"--root takes a directory that can be read");
	server->cache = cache_create(server->o.cache_bytes);
	if (!server->cache)
		return complain("cannot make the cache", -ENOMEM,
				"choose a smaller --cache");
	if (server->o.access_log)
		err = accesslog_open(server->o.access_log, &server->log);
	if (err)
		return complain(server->o.access_log, err,
				"--access-log takes a file that can be written");
	return 0;
}

int server_create(struct server *server)
{
	struct timespec now;
	int status;

	server->root.fd = -1;
	server->started_ns = stats_clock();
	clock_gettime(CLOCK_REALTIME, &now);
	atomic_init(&server->boundary, (uint64_t)now.tv_sec << 32 ^
		    (uint64_t)now.tv_nsec << 20);
	pthread_mutex_init(&server->clients_lock, NULL);
	slow_init(server);
	/* Ours is checked first and has the better answer. */
	http_parser_set_max_header_size(server->o.max_header + 1024);
	raise_limits();
	status = open_files(server);
	if (!status)
		status = create_runtime(server);
	if (!status)
		status = create_stages(server);
	if (!status)
		status = listen_on(server);
	return status;
}

void server_destroy(struct server *server)
{
	sedak_rt_destroy(server->rt);
	client_free_all(server);
	if (server->log)
		accesslog_close(server->log);
	if (server->cache)
		cache_destroy(server->cache);
	root_close(&server->root);
	pthread_mutex_destroy(&server->slow_lock);
	pthread_mutex_destroy(&server->clients_lock);
}

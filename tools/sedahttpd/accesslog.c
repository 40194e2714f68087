// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two buffers: stages append to one under the lock, the writer swaps them and
 * writes the other without it.  `lock` protects all but `path`, `fd` and the
 * buffer being written, which are the writer's.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "accesslog.h"
#include "out.h"

#define BUFFER_SIZE	(1u << 20)
/* More than this in the buffer wakes the writer before its second is over. */
#define BUFFER_WAKE	(BUFFER_SIZE / 4)
#define LINE_SIZE	4096

struct accesslog {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t writer;
	char *filling;
	size_t filled;
	bool reopen, stop;
	uint64_t dropped;
	char *writing;
	const char *path;
	int fd;
};

/* Quotes, backslashes and what is not printable would forge log lines. */
static void put_quoted(struct out *out, struct str s)
{
	static const char hex[] = "0123456789abcdef";
	size_t i;

	out_lit(out, "\"");
	if (!s.p)
		out_lit(out, "-");
	/* Four bytes may come of one, and the rest of the line needs some. */
	for (i = 0; i < s.n && out->size - out->len > 64; i++) {
		unsigned char c = s.p[i];
		char escaped[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			out_str(out, (struct str){ escaped, 4 });
		else
			out_str(out, (struct str){ s.p + i, 1 });
	}
	out_lit(out, "\"");
}

static void put_peer(struct out *out, const struct sockaddr *peer)
{
	char host[NI_MAXHOST] = "-";
	socklen_t len = peer->sa_family == AF_INET6 ?
		sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

	if (peer->sa_family != AF_UNSPEC)
		getnameinfo(peer, len, host, sizeof(host), NULL, 0,
			    NI_NUMERICHOST);
	out_cstr(out, !strncmp(host, "::ffff:", 7) ? host + 7 : host);
}

/* "[21/Nov/2026:00:00:00 +0000]", formatted once a second for each thread. */
static void put_time(struct out *out, time_t when)
{
	_Thread_local static char text[40];
	_Thread_local static time_t of = -1;
	struct tm tm;

	if (when != of) {
		gmtime_r(&when, &tm);
		strftime(text, sizeof(text), " - - [%d/%b/%Y:%H:%M:%S +0000] ",
			 &tm);
		of = when;
	}
	out_cstr(out, text);
}

void accesslog_format(struct out *out, const struct accesslog_record *record)
{
	put_peer(out, record->peer);
	put_time(out, record->when);
	/* Each of the three strings gets its share of the line. */
	put_quoted(out, (struct str){ record->line.p,
		record->line.n < 2048 ? record->line.n : 2048 });
	out_lit(out, " ");
	out_u64(out, record->status);
	out_lit(out, " ");
	out_u64(out, record->bytes);
	out_lit(out, " ");
	put_quoted(out, (struct str){ record->referer.p,
		record->referer.n < 512 ? record->referer.n : 512 });
	out_lit(out, " ");
	put_quoted(out, (struct str){ record->user_agent.p,
		record->user_agent.n < 512 ? record->user_agent.n : 512 });
	out_lit(out, "\n");
}

void accesslog_append(struct accesslog *log,
		      const struct accesslog_record *record)
{
	char line[LINE_SIZE];
	struct out out = OUT_OF(line);
	bool wake;

	accesslog_format(&out, record);
	pthread_mutex_lock(&log->lock);
	if (out.len > BUFFER_SIZE - log->filled) {
		log->dropped++;
	} else {
		memcpy(log->filling + log->filled, line, out.len);
		log->filled += out.len;
	}
	wake = log->filled > BUFFER_WAKE;
	pthread_mutex_unlock(&log->lock);
	if (wake)
		pthread_cond_signal(&log->wake);
}

static int open_path(const char *path)
{
	int fd = strcmp(path, "-") ?
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644) :
		fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	return fd < 0 ? -errno : fd;
}

static void write_all(int fd, const char *p, size_t n)
{
	ssize_t done;

	/* A full disk loses lines; a web server does not stop for that. */
	while (n) {
		done = write(fd, p, n);
		if (done < 0 && errno != EINTR)
			return;
		if (done > 0) {
			p += done;
			n -= done;
		}
	}
}

static void do_reopen(struct accesslog *log)
{
	int fd = open_path(log->path);

	if (fd < 0)
		return;
	close(log->fd);
	log->fd = fd;
}

static void *writer_main(void *arg)
{
	struct accesslog *log = arg;
	struct timespec until;
	bool reopen, stop;
	char *swap;
	size_t n;

	do {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&log->lock);
		while (!log->stop && !log->reopen &&
		       log->filled <= BUFFER_WAKE &&
		       !pthread_cond_timedwait(&log->wake, &log->lock, &until))
			;
		swap = log->writing;
		log->writing = log->filling;
		log->filling = swap;
		n = log->filled;
		log->filled = 0;
		reopen = log->reopen;
		log->reopen = false;
		stop = log->stop;
		pthread_mutex_unlock(&log->lock);

		write_all(log->fd, log->writing, n);
		if (reopen)
			do_reopen(log);
	} while (!stop);
	return NULL;
}

static void free_log(struct accesslog *log)
{
	if (log->fd >= 0)
		close(log->fd);
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log->filling);
	free(log->writing);
	free(log);
}

int accesslog_open(const char *path, struct accesslog **logp)
{
	struct accesslog *log = calloc(1, sizeof(*log));
	int err;

	if (!log)
		return -ENOMEM;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->wake, NULL);
	log->path = path;
	log->filling = malloc(BUFFER_SIZE);
	log->writing = malloc(BUFFER_SIZE);
	log->fd = open_path(path);
	err = log->fd < 0 ? log->fd : 0;
	if (!err && (!log->filling || !log->writing))
		err = -ENOMEM;
	if (!err)
		err = -pthread_create(&log->writer, NULL, writer_main, log);
	if (err) {
		free_log(log);
		return err;
	}
	*logp = log;
	return 0;
}

void accesslog_reopen(struct accesslog *log)
{
	pthread_mutex_lock(&log->lock);
	log->reopen = true;
	pthread_mutex_unlock(&log->lock);
	pthread_cond_signal(&log->wake);
}

uint64_t accesslog_dropped(struct accesslog *log)
{
	uint64_t dropped;

	pthread_mutex_lock(&log->lock);
	dropped = log->dropped;
	pthread_mutex_unlock(&log->lock);
	return dropped;
}

void accesslog_close(struct accesslog *log)
{
	pthread_mutex_lock(&log->lock);
	log->stop = true;
	pthread_mutex_unlock(&log->lock);
	pthread_cond_signal(&log->wake);
	pthread_join(log->writer, NULL);
	free_log(log);
}

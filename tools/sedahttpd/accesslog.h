/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The access log, in the Combined format of Apache.  Stages append to memory; a
 * thread of the log's own writes it out, so a slow disk stalls no stage.
 */
#ifndef SEDAHTTPD_ACCESSLOG_H
#define SEDAHTTPD_ACCESSLOG_H

#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "str.h"

struct accesslog;

struct accesslog_record {
	const struct sockaddr *peer;
	time_t when;
	struct str line;	/* the request line */
	int status;
	uint64_t bytes;		/* of the body */
	struct str referer;	/* p == NULL where absent */
	struct str user_agent;
};

/* Opens @path for appending, "-" is standard output.  Returns 0 or -errno. */
int accesslog_open(const char *path, struct accesslog **logp);

/* Any thread; never blocks.  A line without room is dropped and counted. */
void accesslog_append(struct accesslog *log,
		      const struct accesslog_record *record);

/* Opens the file anew, which a log rotation has renamed.  Any thread. */
void accesslog_reopen(struct accesslog *log);

uint64_t accesslog_dropped(struct accesslog *log);

/* Writes out what is left and frees. */
void accesslog_close(struct accesslog *log);

/* One line of the log, with its newline.  Pure but for the time zone. */
struct out;
void accesslog_format(struct out *out, const struct accesslog_record *record);

#endif

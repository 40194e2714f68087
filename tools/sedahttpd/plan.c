// SPDX-License-Identifier: GPL-2.0-or-later
/* Response planning and response heads; see plan.h. */
#include <http_parser.h>

#include "httpdate.h"
#include "plan.h"

static void plan_whole(struct plan *plan, const struct meta *meta)
{
	plan->parts = 1;
	plan->part[0].first = 0;
	/* Wraps for an empty file, and range_len() wraps it back to 0. */
	plan->part[0].last = meta->size - 1;
	plan->body = meta->size;
}

static void plan_parts(struct plan *plan, const struct meta *meta, int parts)
{
	char text[PART_HEAD_SIZE];
	int i;

	plan->status = 206;
	plan->parts = parts;
	plan->multipart = parts > 1;
	for (i = 0; i < parts; i++)
		plan->body += range_len(&plan->part[i]);
	for (i = 0; i <= parts; i++) {
		struct out out = OUT_OF(text);

		plan_put_part_head(plan, meta, i, &out);
		plan->body += out.len;
	}
}

void plan_make(struct plan *plan, const struct request *req,
	       const struct meta *meta, uint64_t seed, time_t now)
{
	int parts = 0;

	plan->parts = 0;
	plan->multipart = false;
	plan->boundary = seed;
	plan->body = 0;
	plan->status = 200;
	if (meta->endless)
		return;
	plan->status = cond_evaluate(req, &meta->validators, now);
	if (plan->status != 200)
		return;
	/* Range is defined for GET alone. */
	if (req->method == METHOD_GET && req->field[FIELD_RANGE].p &&
	    cond_range_applies(req, &meta->validators, now))
		parts = range_parse(req->field[FIELD_RANGE], meta->size,
				    plan->part);
	if (parts < 0)
		plan->status = 416;
	else if (parts > 0)
		plan_parts(plan, meta, parts);
	else
		plan_whole(plan, meta);
}

static void put_content_range(struct out *out, const struct range *r,
			      uint64_t size)
{
	out_lit(out, "Content-Range: bytes ");
	out_u64(out, r->first);
	out_lit(out, "-");
	out_u64(out, r->last);
	out_lit(out, "/");
	out_u64(out, size);
	out_lit(out, "\r\n");
}

void plan_put_part_head(const struct plan *plan, const struct meta *meta,
			int part, struct out *out)
{
	if (!plan->multipart)
		return;
	out_printf(out, "%s--seda-%016llx", part ? "\r\n" : "",
		   (unsigned long long)plan->boundary);
	if (part == plan->parts) {
		out_lit(out, "--\r\n");
		return;
	}
	out_lit(out, "\r\nContent-Type: ");
	out_cstr(out, meta->type);
	out_lit(out, "\r\n");
	put_content_range(out, &plan->part[part], meta->size);
	out_lit(out, "\r\n");
}

/* Formatted once a second for each thread. */
static void put_date(struct out *out, time_t now)
{
	_Thread_local static char text[HTTPDATE_SIZE];
	_Thread_local static time_t of = -1;

	if (now != of) {
		httpdate_format(now, text);
		of = now;
	}
	out_str(out, (struct str){ text, HTTPDATE_LEN });
}

static void put_start(struct out *out, const struct head *head, int status)
{
	if (status == 200)
		out_lit(out, "HTTP/1.1 200 OK\r\n");
	else
		out_printf(out, "HTTP/1.1 %d %s\r\n", status,
			   http_status_str(status));
	out_lit(out, "Server: seda\r\nDate: ");
	put_date(out, head->now);
	out_lit(out, "\r\n");
	/* Persistence is the default of 1.1 and an exception in 1.0. */
	if (!head->keep_alive)
		out_lit(out, "Connection: close\r\n");
	else if (!head->minor)
		out_lit(out, "Connection: keep-alive\r\n");
}

static void put_length(struct out *out, uint64_t length)
{
	out_lit(out, "Content-Length: ");
	out_u64(out, length);
	out_lit(out, "\r\n");
}

static void put_validators(struct out *out, const struct validators *v)
{
	char date[HTTPDATE_SIZE];

	httpdate_format(v->mtime, date);
	out_lit(out, "ETag: ");
	out_cstr(out, v->etag);
	out_lit(out, "\r\nLast-Modified: ");
	out_str(out, (struct str){ date, HTTPDATE_LEN });
	out_lit(out, "\r\nAccept-Ranges: bytes\r\n");
}

static void put_type(struct out *out, const struct plan *plan,
		     const struct meta *meta)
{
	out_lit(out, "Content-Type: ");
	if (plan->multipart)
		out_printf(out, "multipart/byteranges; boundary=seda-%016llx",
			   (unsigned long long)plan->boundary);
	else
		out_cstr(out, meta->type);
	out_lit(out, "\r\n");
}

void head_put_plan(struct out *out, const struct head *head,
		   const struct plan *plan, const struct meta *meta)
{
	put_start(out, head, plan->status);
	if (!meta->endless)
		put_validators(out, &meta->validators);
	switch (plan->status) {
	case 416:
		out_lit(out, "Content-Range: bytes */");
		out_u64(out, meta->size);
		out_lit(out, "\r\nContent-Length: 0\r\n");
		break;
	case 412:
		out_lit(out, "Content-Length: 0\r\n");
		break;
	case 304:
		break;
	default:
		put_type(out, plan, meta);
		if (plan->status == 206 && !plan->multipart)
			put_content_range(out, &plan->part[0], meta->size);
		if (head->chunked)
			out_lit(out, "Transfer-Encoding: chunked\r\n");
		if (!meta->endless)
			put_length(out, plan->body);
	}
	out_lit(out, "\r\n");
}

void head_put(struct out *out, const struct head *head, int status,
	      const char *extra, const char *type, uint64_t length)
{
	put_start(out, head, status);
	out_cstr(out, extra);
	if (type) {
		out_lit(out, "Content-Type: ");
		out_cstr(out, type);
		out_lit(out, "\r\n");
		put_length(out, length);
	}
	out_lit(out, "\r\n");
}

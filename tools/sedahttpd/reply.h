/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending responses.  Each function ends the exchange, at once or, where memory
 * is sent that the exchange owns, when TCP has taken it.  Stages of the default
 * pool call them.
 */
#ifndef SEDAHTTPD_REPLY_H
#define SEDAHTTPD_REPLY_H

#include "exchange.h"

/* A status with a small page; @extra is whole header lines or "". */
void reply_status(struct exchange *x, int status, const char *extra);

/* A cached file, whose reference is in x->entry. */
void reply_entry(struct exchange *x);

/* 200 with x->chunk, which the exchange owns, as a page of @type. */
void reply_text(struct exchange *x, const char *type);

/* 301 to the same path with a slash at its end. */
void reply_redirect(struct exchange *x);

/* The head of x->plan, which has no body. */
void reply_meta(struct exchange *x);

/* x->chunk, the next one of a transfer; then the file stage, or the end. */
void reply_chunk(struct exchange *x);

#endif

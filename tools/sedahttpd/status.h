/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live view of the server at /_seda/, and the same as JSON. */
#ifndef SEDAHTTPD_STATUS_H
#define SEDAHTTPD_STATUS_H

#include "exchange.h"

#define STATUS_PATH	"/_seda/"

/* Answers @x if its path is one of ours, else returns false. */
bool status_reply(struct exchange *x);

/* The page, HTML with its style and script; see status_page.c. */
extern const char status_page[];
extern const size_t status_page_len;

#endif

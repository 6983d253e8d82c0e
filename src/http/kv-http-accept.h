/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_http_accept_get_quality:
 * @accept: the value of an Accept header (RFC 9110, section 12.5.1), or no data
 * @type: a media type without parameters, such as `text/plain`
 *
 * How much a client wants a type. Of what it says, the most specific counts; parameters but `q` are not looked at, and what is
 * not well formed counts for nothing. Pure.
 *
 * Returns: from 0, not at all, to 1000; 1000 where there is no header
 */
guint kv_http_accept_get_quality (KvHttpSpan accept, const char *type);

G_END_DECLS

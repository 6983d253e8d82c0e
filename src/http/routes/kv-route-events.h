/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_events_get:
 *
 * `/v1/watch?key=…&prefix=…`: a stream of the changes of keys, and of keys with prefixes, in JSON.
 */
void kv_route_events_get (KvHttpExchange *exchange);

G_END_DECLS

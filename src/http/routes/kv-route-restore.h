/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_restore_sink:
 *
 * What takes the lines of a dump as they come.
 */
extern const KvHttpSink kv_route_restore_sink;

/**
 * kv_route_restore_post:
 *
 * `POST /v1/restore?mode=merge|replace&dry_run=true|false`: 200 and how many keys were created, replaced and so on, once all are
 * there.
 */
void kv_route_restore_post (KvHttpExchange *exchange);

G_END_DECLS

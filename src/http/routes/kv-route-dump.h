/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_dump_get:
 *
 * `GET /v1/dump`: 200 and all keys as they are at this moment, as lines of JSON.
 */
void kv_route_dump_get (KvHttpExchange *exchange);

G_END_DECLS

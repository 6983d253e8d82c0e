/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* `/store/{key}`: the value of one key. */

/**
 * kv_route_store_get:
 *
 * Answers 200 with the value, from the entry itself, or 404 without a body.
 */
void kv_route_store_get (KvHttpExchange *exchange);

/**
 * kv_route_store_put:
 *
 * Answers 201 when the key was created, 204 when its value was replaced. A `ttl` in the query is
 * its life in seconds.
 */
void kv_route_store_put (KvHttpExchange *exchange);

/**
 * kv_route_store_delete:
 *
 * Answers 204, or 404 without a body.
 */
void kv_route_store_delete (KvHttpExchange *exchange);

G_END_DECLS

/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/* `/v1/kv/{key}`: the value of one key, with its revision and its deadline, on conditions. docs/v1.md is the guide. */

/**
 * kv_route_kv_get:
 *
 * Answers 200 with the value, 304, or 404.
 */
void kv_route_kv_get (KvHttpExchange *exchange);

/**
 * kv_route_kv_put:
 *
 * `?ttl=`, `?expires_at=` or `?keepttl`, and `?prev`: answers 201 when the key was created, 204 when it was replaced, or 200 with what was
 * replaced.
 */
void kv_route_kv_put (KvHttpExchange *exchange);

/**
 * kv_route_kv_delete:
 *
 * `?prev`: answers 204, or 200 with what was deleted, or 404.
 */
void kv_route_kv_delete (KvHttpExchange *exchange);

G_END_DECLS

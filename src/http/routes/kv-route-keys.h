/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_keys_get:
 *
 * `GET /v1/keys?prefix=…`: 200 and a page of keys in byte order, or how many there are.
 */
void kv_route_keys_get (KvHttpExchange *exchange);

G_END_DECLS

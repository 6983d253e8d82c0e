/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_incr_post:
 *
 * `POST /v1/incr/{key}?by=`: adds to the number that the value is. Answers 200 with the sum, or 201 where the key was not there, which
 * counts as 0; 409 where there is no sum.
 */
void kv_route_incr_post (KvHttpExchange *exchange);

G_END_DECLS

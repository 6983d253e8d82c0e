/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_swap_post:
 *
 * `POST /v1/cas/{key}` with `{"expected":"…","new":"…"}` or `{"revision":17,"new":"…"}`: answers 204 when the value was swapped; 412 with
 * what is there when that is something else; 404 when there is no such key.
 */
void kv_route_swap_post (KvHttpExchange *exchange);

G_END_DECLS

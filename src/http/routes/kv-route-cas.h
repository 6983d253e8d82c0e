/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_cas_post:
 *
 * `/store/cas/{key}` with `{"expected":"…","new":"…"}`: answers 204 when the value was swapped,
 * 412 when it is another one, 404 without a body when there is no such key.
 */
void kv_route_cas_post (KvHttpExchange *exchange);

G_END_DECLS

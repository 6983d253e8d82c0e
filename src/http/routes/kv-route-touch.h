/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_touch_post:
 *
 * `POST /v1/touch/{key}` with `?ttl=`, `?expires_at=` or `?persist`: gives the key another deadline, or none, and leaves its value alone.
 * Answers 204, or 404.
 */
void kv_route_touch_post (KvHttpExchange *exchange);

G_END_DECLS

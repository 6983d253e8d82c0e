/* SPDX-License-Identifier: AGPL-3.0-or-later
 * SPDX-FileCopyrightText: 2026 the kvstore authors
 */
#pragma once

#include "http/kv-http-exchange.h"

G_BEGIN_DECLS

/**
 * kv_route_openapi_get_description:
 *
 * The text of data/openapi/openapi.json, which is a part of the program. Any thread.
 *
 * Returns: (transfer none): the same each time
 */
GBytes *kv_route_openapi_get_description (void);

/**
 * kv_route_openapi_get:
 *
 * `/openapi.json`: answers 200 with what all routes take and answer (OpenAPI 3.1), or 304 or 412 where a condition says so. Its tag
 * changes when it does, and not when the service starts again.
 */
void kv_route_openapi_get (KvHttpExchange *exchange);

G_END_DECLS
